"""`valle evaluate codec`: what a codec loses."""
from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valle.data.manifest import Utterance

HELP = """Score held-out recordings before and after a codec.

  valle evaluate codec --codec weights/starter --data data/libri data/cv --held-out @held_out.txt \\
      --n-codebooks 8 4 --out out/codec

Words (WERc), DNSMOS, PESQ, STOI, mel distance, speaker similarity, bit rate and use of the
codebooks. Writes codec.md (the tables), codec.jsonl (a line per clip and version) and judged.jsonl
below --out, and goes on where it was stopped. Clips are drawn from all held-out speakers in turn.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", required=True,
                        help="encodec, EnCodec weights, or a folder with codec.json")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders made by `valle prepare`, with text")
    parser.add_argument("--held-out", nargs="+", required=True, metavar="PATTERN",
                        help="names or patterns of the speakers to score; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[],
                        help="decode from so many books, one row for each; default all")
    parser.add_argument("--recognizer", nargs="+", default=["closed"], metavar="NAME_OR_FOLDER",
                        help="listeners, as for `valle evaluate voice`; default closed")
    parser.add_argument("--speaker", nargs="+", default=["resemblyzer"], metavar="NAME_OR_FOLDER",
                        help="speaker encoders; default resemblyzer")
    parser.add_argument("--clips", type=int, default=40, help="how many to score; default 40")
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.5, 10.0),
                        metavar=("LEAST", "MOST"), help="length of clips; default 2.5 10")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")
    parser.add_argument("--save-audio", action="store_true", help="keep the reconstructions")


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec import load_codec, save_audio
    from codec.audio import Samples
    from codec.files import atomic_path
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.manifest import Prepared, load_samples
    from valle.evaluate.codec import Clip, evaluate_codec
    from valle.evaluate.panel import Memory, Panel, dnsmos, encoder, listener
    from valle.evaluate.rows import write_rows
    from valle.evaluate.wer import pick_distractors
    from valle.features.text import words

    codec = load_codec(options.codec)
    known, held = split_speakers(Prepared.open(options.data).utterances,
                                 read_patterns(options.held_out))
    least, most = options.seconds
    usable = [u for u in held if u.text and words(u.text) and least <= u.seconds <= most]
    chosen = in_turn(usable, options.clips, options.seed)
    clips = [Clip(u.id, u.speaker, u.text or "", load_samples(u)) for u in chosen]
    texts = [clip.text for clip in clips]
    distractors = pick_distractors((u.text for u in [*known, *held] if u.text), texts, options.seed)
    panel = Panel(Memory(options.out / "judged.jsonl"),
                  [listener(name, [*texts, *distractors]) for name in options.recognizer],
                  [encoder(name) for name in options.speaker], dnsmos())

    def save(name: str, version: str, samples: Samples) -> None:
        file = f"{name.replace('/', '-')}.wav"
        save_audio(options.out / version.replace(" ", "-") / file, samples)

    with tqdm(total=len(clips), unit="clip", disable=not sys.stderr.isatty()) as bar:
        report = evaluate_codec(codec, clips, panel, options.n_codebooks, on_clip=bar.update,
                                save=save if options.save_audio else None)
    left_out = "".join(f"\n- not measured: {name}: {why}" for name, why in report.missing.items())
    text = (f"# Codec {options.codec} ({codec.identity})\n\n{len(clips)} clips of "
            f"{len({clip.speaker for clip in clips})} held-out speakers, seed {options.seed}, "
            f"{len(distractors)} distractors.{left_out}\n\n{report.markdown()}")
    write_rows(options.out / "codec.jsonl", report.rows)
    with atomic_path(options.out / "codec.md") as path:
        path.write_text(text, encoding="utf-8")
    print(text)
    return 1 if report.missing else 0


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
