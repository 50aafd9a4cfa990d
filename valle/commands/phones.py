"""Show what will be said: a text as words, and as phones.

  valle phones "It costs $5.50, ask for the niche."
  valle phones --lexicon names.txt --file chapter.txt

Each line is printed as the normaliser writes it out, and below it in IPA. What is said wrong can be
mended in the text, by phones in double brackets ("Ask for [[ˈniːʃ]] cheese."), or once and for all
in a lexicon, a file with a line for each word:

  nguyen = win
  GIF = [[dʒˈɪf]]
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from g2p import BOUNDARIES, Lexicon, normalize, phonemize
from valle.commands.voice_options import add_lexicon_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="what to show; - or nothing reads standard input")
    parser.add_argument("--file", type=Path, help="a UTF-8 text file in its place")
    parser.add_argument("--language", default="en-us", help="of the text")
    add_lexicon_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line for each line of text")


def run(options: argparse.Namespace) -> int:
    from valle.commands.say import read_text

    if options.file and options.text:
        raise ValueError("give a text or --file, not both")
    given = " ".join(options.text)
    text = given if given not in ("", "-") else read_text(options.file or Path("-"))
    lexicon = Lexicon(options.lexicon) if options.lexicon else None
    shown = 0
    for line in text.splitlines():
        if not any(ch.isalnum() for ch in line):
            continue
        said = lexicon.apply(line, options.language) if lexicon else line
        words, phones = normalize(said, options.language), phonemize(said, options.language)
        shown += 1
        if options.json:
            print(json.dumps({"text": line, "words": words, "phones": phones}, ensure_ascii=False))
        else:
            print(f"{words}\n  {written(phones)}")
    if not shown:
        phonemize(text, options.language)  # says what is wrong
    sys.stdout.flush()
    return 0


def written(phones: list[str]) -> str:
    """Phones as IPA, words apart, marks behind their words."""
    return "".join(f"{phone} " if phone in BOUNDARIES[1:] else phone for phone in phones).strip()
