"""Write down what recordings say, with a recogniser of our own.

  valle transcribe --model runs/recognizer talk.wav
  valle transcribe --model runs/recognizer clips/*.wav --json > transcripts.jsonl

One line for each file: the path, a tab, the words in lower case. English only, as it was trained.
A file may last half an hour.
Prompts of `valle say` can be transcribed with it; read what it writes before you use it.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="AUDIO")
    parser.add_argument("--model", required=True,
                        help="folder made by `valle train recognizer`")
    parser.add_argument("--beam", type=int, default=4, help="hypotheses; 1 is fastest; default 4")
    parser.add_argument("--ctc-weight", type=float, default=0.5,
                        help="share of CTC beside the attention decoder; default 0.5")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each file")


def run(options: argparse.Namespace) -> int:
    import torch

    from codec.audio import load_audio
    from valle.data.loading import LONGEST_SECONDS
    from valle.features.fbank import SAMPLE_RATE
    from valle.recognizer.decode import BeamOptions, transcribe
    from valle.recognizer.model import Recognizer

    beam = BeamOptions(options.beam, options.ctc_weight)
    model = Recognizer.load(options.model)
    failed = False
    for file in options.files:
        try:
            samples = load_audio(file, SAMPLE_RATE, max_seconds=LONGEST_SECONDS)
        except (OSError, ValueError) as error:
            print(f"valle transcribe: {error}", file=sys.stderr)
            failed = True
            continue
        text = transcribe(model, torch.from_numpy(samples), beam)
        print(json.dumps({"file": str(file), "text": text}) if options.json else f"{file}\t{text}",
              flush=True)
    return 1 if failed else 0
