#!/usr/bin/env python3
"""Is the watermark found, is it found where there is none, and what does it cost?

  valle evaluate voice --protocol recipes/protocols/real.jsonl --data CORPORA --out out/starter
  python benchmarks/watermark.py --speech out/starter/wav --people CORPORA --out NAME

Marked are 40 clips: the five example voices, and 35 of the folder --speech. Each is then harmed in
one of many ways. A hundred recordings of people, and the same clips without the mark, say how often
it is found in vain, in crops of three seconds.
"""
from __future__ import annotations

import argparse
import io
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from codec.audio import SAMPLE_RATE, Samples, load_audio, resample
from codec.encode import encoded
from valle.evaluate.quality import Quality
from valle.evaluate.signal import pesq
from valle.features.progress import progress
from valle.synthesis.stretch import stretched
from valle.synthesis.watermark import FOUND, Watermark

EXAMPLES = Path(__file__).parents[1] / "examples"
CLIPS, RECORDINGS = 40, 100
QUALITY = ("SNR (dB)", "PESQ", "OVRL unmarked", "OVRL, marked less unmarked")
Harm = Callable[[Samples, random.Random], Samples | None]


def through(name: str) -> Harm:
    """Written in a format of the server's, and read again."""
    return lambda samples, _: load_audio(io.BytesIO(encoded(name, samples, SAMPLE_RATE, {})))


def cropped(seconds: float) -> Harm:
    """None of what is shorter."""
    def crop(samples: Samples, draw: random.Random) -> Samples | None:
        size = round(seconds * SAMPLE_RATE)
        start = draw.randrange(max(1, len(samples) - size))
        return samples[start: start + size] if len(samples) >= size else None
    return crop


def louder(decibels: float) -> Harm:
    return lambda samples, _: np.clip(samples * 10 ** (decibels / 20), -1, 1).astype(np.float32)


def at_rate(rate: int) -> Harm:
    return lambda samples, _: resample(resample(samples, SAMPLE_RATE, rate), rate, SAMPLE_RATE)


def noisy(decibels: float) -> Harm:
    def add(samples: Samples, draw: random.Random) -> Samples:
        noise = np.random.default_rng(draw.randrange(1 << 30)).normal(0, 1, len(samples))
        return (samples + noise * samples.std() * 10 ** (-decibels / 20)).astype(np.float32)
    return add


UNHARMED, SHORT = "none", "a crop of 3 s"
HARMS: dict[str, Harm] = {
    UNHARMED: lambda samples, _: samples,
    SHORT: cropped(3), "MP3, 64 kb/s": through("mp3"), "16 kHz": at_rate(16_000),
    "a crop of 10 s": cropped(10), "20 dB softer": louder(-20),
    "12 dB louder, clipped": louder(12), "a crop of 1 s": cropped(1),
    "Opus, 32 kb/s": through("opus"),
    "1.25 times as fast": lambda samples, _: stretched(samples, SAMPLE_RATE, 1.25),
    "5 % faster and higher": lambda samples, _: resample(samples, 21, 20),
    "noise at 20 dB": noisy(20), "8 kHz": at_rate(8_000),
}


def clips(folder: Path) -> list[Samples]:
    """The examples, and speech of a model."""
    paths = [*sorted(EXAMPLES.glob("*.wav")), *sorted(folder.glob("*.wav"))]
    return [load_audio(path) for path in paths[:CLIPS]]


def recordings(root: Path) -> list[Samples]:
    """So many of a folder's, chosen by chance, as many from each of its subfolders."""
    draw = random.Random(0)
    folders = [place for place in sorted(root.iterdir()) if place.is_dir()]
    return [load_audio(path) for place in folders for path in draw.sample(
        sorted(p for p in place.rglob("*") if p.suffix in (".wav", ".flac", ".opus", ".mp3")),
        -(-RECORDINGS // len(folders)))][:RECORDINGS]


def scores(watermark: Watermark, group: list[Samples], harm: Harm) -> list[float]:
    draw = random.Random(1)
    harmed = [harm(samples, draw) for samples in group]
    return [watermark.score(samples, SAMPLE_RATE) for samples in harmed if samples is not None]


def snr(plain: Samples, marked: Samples) -> float:
    """In decibels, of samples [N]."""
    return float(10 * np.log10(np.square(plain).sum() / np.square(marked - plain).sum()))


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 3), "lowest": round(float(np.min(values)), 3),
            "error": round(float(np.std(values, ddof=1) / len(values) ** 0.5), 3)}


def measured(plain: list[Samples], people: list[Samples]) -> dict[str, Any]:
    watermark, quality = Watermark(), Quality()

    def heard(plain: Samples, marked: Samples) -> tuple[float, ...]:
        before, after = quality(plain, SAMPLE_RATE), quality(marked, SAMPLE_RATE)
        return (snr(plain, marked), pesq(plain, marked, SAMPLE_RATE) or 0.0, before, after - before)

    seconds = sum(map(len, plain)) / SAMPLE_RATE
    began = time.process_time()
    marked = [watermark.marked(samples, SAMPLE_RATE) for samples in plain]
    marking = time.process_time() - began
    pairs = list(zip(plain, marked, strict=True))
    rows, looking, vain = [], 0.0, {}
    for name, harm in progress(HARMS.items(), desc="harming", unit="ways"):
        began = time.process_time()
        found = scores(watermark, marked, harm)
        looking += (time.process_time() - began) * (name == UNHARMED)
        rows.append({"harm": name, "clips": len(found), "lowest": round(min(found), 3),
                     "found": sum(score > FOUND for score in found)})
        print(rows[-1], flush=True)
        if name == SHORT:
            vain = {kind: scores(watermark, group, harm)
                    for kind, group in (("people", people), ("unmarked", plain))}
            print(vain, flush=True)
    return {"seconds": round(seconds, 1), "marking": round(marking / seconds, 4),
            "looking": round(looking / seconds, 4), "rows": rows,
            "in_vain": {kind: {"clips": len(found), "found": sum(s > FOUND for s in found),
                               "highest": round(max(found), 3)} for kind, found in vain.items()},
            **dict(zip(QUALITY, map(spread, zip(*(heard(*pair) for pair in pairs), strict=True)),
                       strict=True))}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = "\n".join(f"| {row['harm']} | {row['found']} of {row['clips']} | {row['lowest']} |"
                     for row in figures["rows"])
    vain = "".join(f"- found in vain in {value['found']} of {value['clips']} crops of 3 s, {kind}; "
                   f"highest score {value['highest']}\n"
                   for kind, value in figures["in_vain"].items())
    notes = "".join(f"- {name}: {figures[name]['mean']} ± {figures[name]['error']}, lowest "
                    f"{figures[name]['lowest']}\n" for name in QUALITY)
    return (f"| harm | found | lowest score |\n|---|---:|---:|\n{rows}\n\n{vain}{notes}"
            f"- seconds of a core for a second of speech: {figures['marking']} to mark, "
            f"{figures['looking']} to look\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True, help="a folder of WAV files")
    parser.add_argument("--people", type=Path, required=True, help="a folder of corpora")
    parser.add_argument("--out", type=Path, required=True, help="write NAME.json and NAME.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures = measured(clips(options.speech), recordings(options.people))
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    options.out.with_suffix(".md").write_text(table(figures))
    print(table(figures))


if __name__ == "__main__":
    main()
