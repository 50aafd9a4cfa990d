"""More voices of real people: training clips played faster and slower, each speed a new speaker.

    python recipes/starter/speeds.py OUT PREPARED [PREPARED ...]

OUT becomes a plain folder of SPEAKER_sPERCENT/NAME.flac with NAME.txt and NAME.phones for `valle
prepare`. Pitch and formants move with the speed (Ko et al. 2015, "Audio augmentation for speech
recognition"), and so do the timings, which PREPARED must have (listen.py). Held-out speakers
(held_out.txt) are left out. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile
from timings import write_phones
from tqdm import tqdm

from codec.audio import SAMPLE_RATE, load_audio
from codec.files import atomic_path
from valle.data.held_out import read_patterns, split_speakers
from valle.data.manifest import Prepared, Utterance
from valle.data.workers import pool
from valle.features.augment import change_speed

HELD_OUT = Path(__file__).with_name("held_out.txt")
SPEEDS = (0.86, 0.93, 1.08, 1.17)
MAX_SECONDS = 16.0


def play(job: tuple[Utterance, Path, float, float]) -> None:
    """Write one clip at another speed, text and timings beside it; skip one that is there."""
    u, path, speed, frame_rate = job
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".txt").write_text(u.text or "", encoding="utf-8")
    ends = (u.start + np.cumsum(u.durations or []) / frame_rate) / speed
    write_phones(path.with_suffix(".phones"), u.phones or [], ends)
    samples = change_speed(load_audio(u.audio), speed)
    with atomic_path(path) as part:
        soundfile.write(part, np.clip(samples, -1, 1), SAMPLE_RATE, format="FLAC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="plain folder to write")
    parser.add_argument("prepared", nargs="+", type=Path, help="folders from `valle prepare`")
    options = parser.parse_args()
    prepared = Prepared.open(options.prepared)
    train, _ = split_speakers(prepared.utterances, read_patterns([f"@{HELD_OUT}"]))
    jobs = []
    for speed in SPEEDS:
        for u in train:
            if u.durations and u.seconds / speed <= MAX_SECONDS:
                speaker = f"{u.speaker[:24]}_s{speed * 100:.0f}"
                name = f"clip_{Path(u.audio).stem}.flac"  # not LibriSpeech's way of naming
                jobs.append((u, options.out / speaker / name, speed, prepared.spec.frame_rate))
    with pool() as processes:
        list(tqdm(processes.map(play, jobs, chunksize=16), total=len(jobs), unit="clip"))


if __name__ == "__main__":
    main()
