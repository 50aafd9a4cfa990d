"""Turn a corpus into what training reads: phones, codes, timings.

  valle prepare LibriSpeech data/libri --codec weights/starter --aligner weights/starter

Reads LibriSpeech, LibriTTS, LJSpeech, VCTK, Common Voice and Kaldi folders, and plain folders of
audio files with a text file of the same name beside each. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
from pathlib import Path

from valle.commands.flags import add_flags, from_flags
from valle.data.preparation import Preparation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", type=Path, help="folder with recordings")
    parser.add_argument("out", type=Path, help="folder to write")
    add_flags(parser, Preparation)


def run(options: argparse.Namespace) -> int:
    how = from_flags(options, Preparation)
    from valle.data.prepare import describe, prepare

    try:
        print(describe(prepare(options.corpus, options.out, how)))
    except RuntimeError as error:  # a worker process died
        raise ChildProcessError(str(error)) from error
    return 0
