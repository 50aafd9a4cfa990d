"""Options of the commands that make something else of a recording: edit and convert."""
from __future__ import annotations

import argparse
from pathlib import Path

from codec.files import is_one_of
from valle.commands.say import read_text


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", type=Path, help="somebody who speaks, up to two minutes")
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said in it; default: what --transcriber hears")
    text.add_argument("--text-file", type=Path, help="a UTF-8 text file with it")
    parser.add_argument("--language", default="en-us", help="of the recording")
    parser.add_argument("--seed", type=int, default=0,
                        help="another seed, another way of saying it")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")


def text_of(options: argparse.Namespace) -> str | None:
    """What the recording says; None has it written down. ValueError where it says nothing."""
    text: str | None = read_text(options.text_file) if options.text_file else options.text
    if text is not None and not text.strip():
        raise ValueError("--text holds no words: give those that the recording says, or leave it "
                         "out to have them written down")
    return text


def check_kept(out: Path, *read: Path | None) -> None:
    """ValueError where what is written would replace what is read."""
    for path in read:
        if path is not None and is_one_of(path, (out, out.with_suffix(".json"))):
            raise ValueError(f"--out {out} would replace {path}, which is read; choose another "
                             "name")
