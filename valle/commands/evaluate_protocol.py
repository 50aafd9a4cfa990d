"""`valle evaluate protocol`: a fixed list of what to speak in whose voice."""
from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from valle.features.progress import progress

if TYPE_CHECKING:
    from valle.data.corpora import Recording

HELP = """Make a protocol of corpora, to be kept and used for every system that is compared.

  valle evaluate protocol --rule cross --data ../shared/corpus --speakers @held_out.txt \\
      --corpora LibriSpeech/train-clean-5 CommonVoice/en --count 20 --out small.jsonl

Rules:
  cross         VALL-E: texts of recordings of 4 to 10 s; the prompt is the first 3 s or so of
                another utterance of the speaker, drawn --prompts times
  previous      VALL-E 2: the prompt is the speaker's previous utterance, whole
  continuation  VALL-E: the first 3 s of the utterance itself; the rest is spoken
  vctk          prompts of 3, 5 and 10 s for each text
  texts         the lines of --texts FILE ("category<TAB>text"), each in --prompts voices;
                the categories are the groups of the tables

Prompts end where a word does (PocketSphinx finds it), and the file says where: every system hears
the same sound with the same transcript. The same corpora and seed give the same file.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rule", required=True,
                        help="cross, previous, continuation, vctk or texts")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER",
                        help="folder above all corpora; paths in the file start here")
    parser.add_argument("--corpora", nargs="+", required=True, metavar="PATH",
                        help="corpora below --data, each a group of the tables")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="rule texts: what to speak")
    parser.add_argument("--out", type=Path, required=True, help="the .jsonl file to write")
    parser.add_argument("--speakers", nargs="+", default=["*"], metavar="PATTERN",
                        help="only these; @FILE reads names or patterns from a file")
    parser.add_argument("--count", type=int, default=20, help="texts of each corpus; default 20")
    parser.add_argument("--prompts", type=int, default=3,
                        help="cross, texts: for each text; default 3")
    parser.add_argument("--seen", type=Path, nargs="*", default=[], metavar="FILE",
                        help="files of texts (a line each) that training has seen: never spoken")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")


def run(options: argparse.Namespace) -> int:
    import fnmatch

    from valle.data.corpora import read_corpus
    from valle.data.held_out import read_patterns
    from valle.evaluate.protocol_files import write_protocol
    from valle.evaluate.rules import Maker
    from valle.recognizer.sphinx import WordTimes

    patterns = read_patterns(options.speakers)
    seen = [line for file in options.seen for line in file.read_text(encoding="utf-8").splitlines()]
    groups: dict[str, Iterable[Recording]] = {}
    others: list[str] = []
    for corpus in options.corpora:
        recordings = [r for r in read_corpus(options.data / corpus) if r.text and not r.problem]
        chosen = [r for r in recordings if any(fnmatch.fnmatchcase(r.speaker, p) for p in patterns)]
        name = corpus.strip("/").split("/")[0]
        groups[corpus.strip("/").replace("/", "-") if name in groups else name] = chosen
        others += [r.text or "" for r in recordings]
    if (options.rule == "texts") != (options.texts is not None):
        raise ValueError("--rule texts and --texts FILE go together")
    texts = read_texts(options.texts) if options.texts else []
    with progress(total=len(texts) or options.count * len(groups), unit="texts",
                  desc=options.rule) as bar:
        maker = Maker(options.data, WordTimes(), options.count, options.prompts, seen,
                      options.seed, bar.update)
        protocol = (maker.of_texts(options.out.stem, texts, chain(*groups.values()), others)
                    if texts else maker.protocol(options.out.stem, options.rule, groups, others))
    write_protocol(options.out, protocol)
    for group in dict.fromkeys(item.group for item in protocol.items):
        mine = [item for item in protocol.items if item.group == group]
        print(f"{group}: {len(mine)} items, {len({i.target for i in mine})} texts, "
              f"{len({i.speaker for i in mine})} speakers")
    print(f"{options.out}: protocol {protocol.identity}")
    return 0


def read_texts(file: Path) -> list[tuple[str, str]]:
    """(category, text) of each line; without a tab, the category is the file's name.

    Raises:
        FileNotFoundError, ValueError: no such file, or a line without words.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no file {file}: --texts takes a text on each line")
    from valle.features.text import words

    pairs = []
    for line in filter(str.strip, file.read_text(encoding="utf-8").splitlines()):
        category, tab, text = line.partition("\t")
        pairs.append((category, text) if tab else (file.stem, line))
        if not words(pairs[-1][1]):
            raise ValueError(f"{file}: {line!r} has no words")
    return pairs
