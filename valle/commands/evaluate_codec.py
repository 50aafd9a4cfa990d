"""`valle evaluate codec`: what a codec loses."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from valle.commands.judge_options import add_judge_arguments
from valle.features.progress import progress

if TYPE_CHECKING:
    from codec.audio import Samples

HELP = """Score held-out recordings before and after a codec.

  valle evaluate codec --codec weights/starter --data data/libri data/cv --held-out @held_out.txt \\
      --n-codebooks 8 4 --out out/codec

Words (WER by Whisper base, which knows nothing of the texts), DistillMOS, DNSMOS, PESQ, STOI, mel
distance, speaker similarity, bit rate and use of the codebooks. Writes codec.md (the tables),
codec.jsonl (a line per clip and version) and judged.jsonl
below --out, and goes on where it was stopped. Clips are drawn from all held-out speakers in turn.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--codec", required=True,
                        help="starter, encodec, EnCodec weights, or the folder of a codec")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="folders made by `valle prepare`, with text")
    parser.add_argument("--held-out", nargs="+", required=True, metavar="PATTERN",
                        help="names or patterns of the speakers to score; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[],
                        help="decode from so many codebooks, one row for each; default all")
    add_judge_arguments(parser)
    parser.add_argument("--clips", type=int, default=40, help="how many to score; default 40")
    parser.add_argument("--seconds", type=float, nargs=2, default=(2.5, 10.0),
                        metavar=("LEAST", "MOST"), help="length of clips; default 2.5 10")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")
    parser.add_argument("--save-audio", action="store_true", help="keep the reconstructions")


def run(options: argparse.Namespace) -> int:
    from codec import load_codec, save_audio
    from valle.data.held_out import read_patterns, split_speakers
    from valle.data.manifest import Prepared, load_samples
    from valle.evaluate.choice import in_turn, with_words
    from valle.evaluate.codec import Clip, evaluate_codec
    from valle.evaluate.panel import default_encoders, default_recognizers, make_panel
    from valle.evaluate.results import write_text
    from valle.evaluate.rows import write_rows
    from valle.evaluate.wer import pick_distractors
    from valle.model.checkpoint import model_folder

    codec = load_codec(model_folder(options.codec))
    known, held = split_speakers(Prepared.open(options.data).utterances,
                                 read_patterns(options.held_out))
    chosen = in_turn(with_words(held, options.seconds), options.clips, options.seed)
    texts = [u.text or "" for u in chosen]
    distractors = pick_distractors((u.text for u in [*known, *held] if u.text), texts, options.seed)
    panel = make_panel(options.out, options.recognizer or default_recognizers(),
                       options.speaker or default_encoders(), [*texts, *distractors])
    clips = [Clip(u.id, u.speaker, u.text or "", load_samples(u, codec.sample_rate))
             for u in chosen]

    def save(name: str, version: str, samples: Samples) -> None:
        file = f"{name.replace('/', '-')}.wav"
        save_audio(options.out / version.replace(" ", "-") / file, samples)

    with progress(total=len(clips), unit="clips", desc="codec") as bar:
        report = evaluate_codec(codec, clips, panel, options.n_codebooks, on_clip=bar.update,
                                save=save if options.save_audio else None)
    left_out = "".join(f"\n- not measured: {name}: {why}" for name, why in report.missing.items())
    text = (f"# Codec {options.codec} ({codec.identity})\n\n{len(clips)} clips of "
            f"{len({clip.speaker for clip in clips})} held-out speakers, seed {options.seed}."
            f"{left_out}\n\n{report.markdown()}")
    write_rows(options.out / "codec.jsonl", report.rows)
    write_text(options.out / "codec.md", text)
    print(text)
    return 1 if report.missing else 0
