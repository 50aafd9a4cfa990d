"""Measure a voice, a codec, a speaker encoder or a recogniser.

  valle evaluate voice       --protocol small.jsonl --data ../shared/corpus --out out
  valle evaluate codec       --codec weights/starter --data data/libri --held-out @dev.txt --out out
  valle evaluate speaker     --model runs/ecapa resemblyzer --data LibriSpeech --out out
  valle evaluate recognizer  --model runs/recognizer pocketsphinx --data LibriSpeech --out out
  valle evaluate protocol    --rule cross --data corpus --corpora CommonVoice/en --out p.jsonl

Judges that work offline: PocketSphinx (WER, and WERc where it knows the texts), Resemblyzer (cosine
between speakers) and DNSMOS OVRL (quality from 1 to 5); published ones by name. Compare only within
a table: its first rows are recordings, scored by the same judges. Needs pip install
'valle[evaluate]'. `valle evaluate voice --help` and so on explain the options; `valle compare A B`
compares two voices.
"""
from __future__ import annotations

import argparse

from valle.commands import (
    evaluate_codec,
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
    "protocol": (evaluate_protocol, "make a list of what to speak in whose voice"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="|".join(WHAT))
    for name, (module, line) in WHAT.items():
        module.add_arguments(what.add_parser(
            name, help=line, description=module.HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter))


def run(options: argparse.Namespace) -> int:
    module, _ = WHAT[options.what]
    return module.run(options)
