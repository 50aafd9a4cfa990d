"""Show what will be said: a text as words, and as phones.

  valle phones "It costs $5.50, ask for the niche."
  valle phones --lexicon names.txt --file chapter.txt

Each line is printed as the normaliser writes it out, and below it in IPA, with the pauses, rates
and volumes that its markup asks for (docs/markup.md). What is said wrong can be mended in the text,
by phones in double brackets ("Ask for [[ˈniːʃ]] cheese."), or once and for all in a lexicon, a file
with a line for each word:

  nguyen = win
  GIF = [[dʒˈɪf]]
"""
from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from g2p import BOUNDARIES, Lexicon, normalize, phonemize
from g2p.prosody import PLAIN
from g2p.ssml import Span
from valle.commands.voice_options import add_lexicon_argument

LINE = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="what to show; - or nothing reads standard input")
    parser.add_argument("--file", type=Path, help="a UTF-8 text file in its place")
    parser.add_argument("--language", default="en-us", help="of the text")
    add_lexicon_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line for each line of text")


def run(options: argparse.Namespace) -> int:
    from valle.commands.say import read_text
    from valle.synthesis.segment import stretches

    if options.file and options.text:
        raise ValueError("give a text or --file, not both")
    given = " ".join(options.text)
    text = given if given not in ("", "-") else read_text(options.file or Path("-"))
    lexicon = Lexicon(options.lexicon) if options.lexicon else None
    said = lexicon.apply(text, options.language) if lexicon else text
    shown = 0
    for stretch, pause in stretches(said, options.language, LINE):
        record = what_is_said(stretch, pause, options.language)
        shown += bool(record.get("phones"))
        if options.json:
            print(json.dumps(record, ensure_ascii=False))
        elif record:
            print("\n".join(as_lines(record)))
    if not shown:
        phonemize(text, options.language)  # says what is wrong
    sys.stdout.flush()
    return 0


def what_is_said(stretch: Sequence[Span], pause: float | None, language: str) -> dict[str, Any]:
    """Words, phones and prosody of a line, and the pause behind it, each where there is any."""
    record: dict[str, Any] = {}
    text = "".join(span.text for span in stretch)
    if any(ch.isalnum() for ch in text):
        record = {"text": text.strip(), "words": normalize(text, language),
                  "phones": phonemize(text, language)}
    if ways := [{"text": span.text.strip(), **asdict(span.prosody)} for span in stretch
                if span.prosody != PLAIN and span.text.strip()]:
        record["prosody"] = ways
    return record if pause is None else {**record, "pause": pause}


def as_lines(record: dict[str, Any]) -> list[str]:
    """The same for people."""
    found = [record["words"], f"  {written(record['phones'])}"] if "phones" in record else []
    found += [f"  rate {way['rate']:g}, volume {way['gain']:g}: {way['text']}"
              for way in record.get("prosody", ())]
    return found + ([f"  pause {record['pause']:g} s"] if "pause" in record else [])


def written(phones: list[str]) -> str:
    """Phones as IPA, words apart, marks behind their words."""
    return "".join(f"{phone} " if phone in BOUNDARIES[1:] else phone for phone in phones).strip()
