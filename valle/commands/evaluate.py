"""Measure a voice, a codec, a speaker encoder or a recogniser.

  valle evaluate listeners
  valle evaluate voice       --protocol small.jsonl --data ../shared/corpus --out out
  valle evaluate parts       --protocol real.jsonl --data ../shared/corpus --clips 30 --out out
  valle evaluate codec       --codec weights/starter --data data/libri --held-out @dev.txt --out out
  valle evaluate speaker     --model runs/ecapa resemblyzer --data LibriSpeech --out out
  valle evaluate recognizer  --model runs/recognizer whisper:base --data LibriSpeech --out out
  valle evaluate protocol    --rule cross --data corpus --corpora CommonVoice/en --out p.jsonl

Judges: Whisper base (WER, the first column of every table; `listeners` fetches it), DistillMOS and
DNSMOS OVRL (sound, from 1 to 5), Resemblyzer and our ECAPA (cosine between speakers); others by
name. Whisper tiny.en and Resemblyzer take part in no choice and are only reported. Compare only
within a table: its first rows are the ground truth, scored by the same judges. Needs pip install
'valle[evaluate]'. `valle evaluate voice --help` and so on explain the options; `valle compare A B`
compares two voices.
"""
from __future__ import annotations

import argparse

from valle.commands import (
    evaluate_codec,
    evaluate_listeners,
    evaluate_parts,
    evaluate_protocol,
    evaluate_recognizer,
    evaluate_speaker,
    evaluate_voice,
)

WHAT = {
    "voice": (evaluate_voice, "what a voice says, in whose voice, how clean"),
    "parts": (evaluate_parts, "where words and voice are lost: codec, NAR, AR"),
    "codec": (evaluate_codec, "what a codec loses"),
    "speaker": (evaluate_speaker, "who is speaking: encoders on the same trials"),
    "recognizer": (evaluate_recognizer, "what is said: recognisers on the same clips"),
    "listeners": (evaluate_listeners, "fetch Whisper and DistillMOS, which judge the tables"),
    "protocol": (evaluate_protocol, "make a list of what to speak in whose voice"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="|".join(WHAT))
    for name, (module, line) in WHAT.items():
        module.add_arguments(what.add_parser(name, help=line, description=module.HELP))


def run(options: argparse.Namespace) -> int:
    module, _ = WHAT[options.what]
    return module.run(options)
