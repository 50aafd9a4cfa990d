"""Turn a corpus into what training reads: phones, codes, timings.

  valle prepare LibriSpeech data/libri --codec weights/starter --aligner weights/starter

Reads LibriSpeech, LibriTTS, LJSpeech, VCTK, Common Voice and Kaldi folders, and plain folders of
audio files with a text file of the same name beside each. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", default="auto", help="layout of the corpus; default: recognised")
    parser.add_argument("--language", default="en-us", help="of its texts; default en-us")
    parser.add_argument("--codec", help="starter, encodec, or the folder of a codec; none: no "
                                        "codes")
    parser.add_argument("--aligner", help="starter, or the folder of an aligner; none: no "
                                          "timings but a teacher's own")
    parser.add_argument("--workers", type=int, help="processes; default one per core")
    parser.add_argument("--max-seconds", type=float, default=20.0,
                        help="leave out longer clips; default 20")
    parser.add_argument("--max-broken", type=float, default=0.01,
                        help="share of broken files above which to give up; default 0.01")


def run(options: argparse.Namespace) -> int:
    from valle.data.prepare import describe, prepare

    try:
        print(describe(prepare(**vars(options))))
    except RuntimeError as error:  # a worker process died
        raise ChildProcessError(str(error)) from error
    return 0
