"""Measure a codec or a voice with judges that run offline on English speech.

  valle evaluate codec --codec weights/starter --data data/libri --held-out @held_out.txt --out out
  valle evaluate voice --model starter --out out --synthetic data/teachers-heldout \\
      --real LibriSpeech/train-clean-5 CommonVoice/en --speakers @held_out.txt

Judges: WER and WERc, errors of PocketSphinx without and with knowledge of the texts; Resemblyzer's
cosine between speakers; DNSMOS OVRL, the quality from 1 to 5. Compare only within a table: its
first rows are recordings, scored by the same judges. Needs pip install 'valle[evaluate]'.

`valle evaluate codec --help` and `valle evaluate voice --help` explain the options.
"""
from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valle.data.manifest import Utterance

CODEC_HELP = """Score held-out recordings before and after a codec.

  valle evaluate codec --codec weights/starter --data data/libri data/cv --held-out @held_out.txt \\
      --n-codebooks 8 4 --out out/codec

Writes codec.md (the table) and codec.jsonl (a line per clip and version) below --out. Clips are
drawn from all held-out speakers in turn, so that no speaker dominates.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="codec|voice")
    _codec_arguments(what.add_parser("codec", help="what a codec loses", description=CODEC_HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter))


def _codec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", required=True,
                        help="encodec, EnCodec weights, or a folder with codec.json")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders made by `valle prepare`, with text")
    parser.add_argument("--held-out", nargs="+", required=True, metavar="PATTERN",
                        help="names or patterns of the speakers to score; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[],
                        help="decode from so many books, one row for each; default all")
    parser.add_argument("--clips", type=int, default=40, help="how many to score; default 40")
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.5, 10.0),
                        metavar=("LEAST", "MOST"), help="length of clips; default 2.5 10")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")
    parser.add_argument("--save-audio", action="store_true", help="keep the reconstructions")


def run(options: argparse.Namespace) -> int:
    return run_codec(options)


def run_codec(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec import load_codec, save_audio
    from codec.files import atomic_path
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.manifest import Prepared, load_samples
    from valle.evaluate.codec import Clip, evaluate_codec
    from valle.evaluate.words import Samples, pick_distractors, words

    codec = load_codec(options.codec)
    known, held = split_speakers(Prepared.open(options.data).utterances,
                                 read_patterns(options.held_out))
    least, most = options.seconds
    usable = [u for u in held if u.text and words(u.text) and least <= u.seconds <= most]
    chosen = in_turn(usable, options.clips, options.seed)
    clips = [Clip(u.id, u.speaker, u.text or "", load_samples(u)) for u in chosen]
    distractors = pick_distractors((u.text for u in [*known, *held] if u.text),
                                   [clip.text for clip in clips], options.seed)

    def save(name: str, version: str, samples: Samples) -> None:
        save_audio(options.out / version.replace(" ", "-") / f"{name}.wav", samples)

    with tqdm(total=len(clips), unit="clip", disable=not sys.stderr.isatty()) as bar:
        report = evaluate_codec(codec, clips, distractors, options.n_codebooks,
                                on_clip=bar.update, save=save if options.save_audio else None)
    text = (f"# Codec {options.codec} ({codec.identity})\n\n{len(clips)} clips of "
            f"{len({clip.speaker for clip in clips})} held-out speakers, seed {options.seed}, "
            f"{len(distractors)} distractors.\n\n{report.markdown()}")
    for name, content in (("codec.md", text),
                          ("codec.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n"
                                                  for row in report.rows))):
        with atomic_path(options.out / name) as path:
            path.write_text(content, encoding="utf-8")
    print(text)
    return 0


def in_turn(utterances: list[Utterance], count: int, seed: int) -> list[Utterance]:
    """`count` utterances, taking one of each speaker in turn; seeded."""
    chance = random.Random(seed)
    queues: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda u: u.id):
        queues.setdefault(utterance.speaker, []).append(utterance)
    for queue in queues.values():
        chance.shuffle(queue)
    speakers = sorted(queues)
    chance.shuffle(speakers)
    chosen: list[Utterance] = []
    while len(chosen) < count and any(queues.values()):
        for speaker in speakers:
            if queues[speaker] and len(chosen) < count:
                chosen.append(queues[speaker].pop())
    return chosen
