"""Options of the commands whose judges are to be chosen."""
from __future__ import annotations

import argparse


def add_judge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recognizer", nargs="+", metavar="NAME_OR_FOLDER",
                        help="who hears the words; the first one's WER stands first in every "
                             "table: whisper:MODEL (base, small.en ... or a folder), hubert-large, "
                             "transformers:MODEL, a trained folder, pocketsphinx, or closed "
                             "(PocketSphinx that knows the texts, and flatters); default "
                             "whisper:base whisper:tiny.en, or closed where Whisper is not here: "
                             "get it with `valle evaluate listeners`")
    parser.add_argument("--speaker", nargs="+", metavar="NAME_OR_FOLDER",
                        help="who hears the voice: resemblyzer, wavlm-tdnn, wavlm-xvector, "
                             "speechbrain, wespeaker, or a trained folder; default resemblyzer and "
                             "weights/judges/ecapa")
