#!/usr/bin/env python3
"""More real speakers: the training speakers again, played slower and faster.

  python recipes/starter/speeds.py data/speed data/prepared/LibriSpeech:0.9,1.12 ...

Resampling moves pitch and formants together, so each speed is a speaker of its own, NAME_s90.
Writes a plain folder of audio and text for `valle prepare`. Held-out speakers and clips whose text
does not fit are left out. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from codec import load_audio
from codec.files import atomic_path
from valle.data.batching import split_speakers
from valle.data.manifest import Prepared, Utterance

HELD_OUT = Path(__file__).with_name("held_out.txt")
MAX_SECONDS, MIN_SCORE = 16.0, -1.2


def change(out: Path, job: tuple[Utterance, float]) -> None:
    """Write one utterance at another speed."""
    utterance, speed = job
    speaker = f"{utterance.speaker[:24]}_s{round(100 * speed)}"
    path = out / speaker / f"{utterance.id.replace('/', '_')[-60:]}.flac"
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = soxr.resample(load_audio(utterance.audio), 24_000 * speed, 24_000)
    path.with_suffix(".txt").write_text(utterance.text or "", encoding="utf-8")
    with atomic_path(path) as temporary:
        soundfile.write(temporary, np.clip(samples, -1, 1), 24_000, format="FLAC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("sources", nargs="+", metavar="PREPARED:SPEED,SPEED")
    options = parser.parse_args()
    jobs = []
    for source in options.sources:
        folder, _, speeds = source.rpartition(":")
        train, _ = split_speakers(Prepared.open([Path(folder)]).utterances,
                                  HELD_OUT.read_text().split())
        fitting = [u for u in train if u.text and u.durations and (u.score or 0) > MIN_SCORE]
        jobs += [(u, float(speed)) for speed in speeds.split(",") for u in fitting
                 if u.seconds / float(speed) <= MAX_SECONDS]
    with ProcessPoolExecutor(2) as pool:
        list(tqdm(pool.map(partial(change, options.out), jobs, chunksize=16), total=len(jobs),
                  unit="clip"))


if __name__ == "__main__":
    main()
