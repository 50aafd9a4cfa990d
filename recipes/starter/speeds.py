"""More voices of real people: training clips played faster and slower, each speed a new speaker.

    python recipes/starter/speeds.py OUT PREPARED [PREPARED ...]

OUT becomes a plain folder of SPEAKER_sPERCENT/NAME.flac and NAME.txt for `valle prepare`. Pitch and
formants move with the speed (Ko et al. 2015, "Audio augmentation for speech recognition"). Held-out
speakers (held_out.txt) are left out. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from codec.audio import SAMPLE_RATE, load_audio
from codec.files import atomic_path
from valle.commands.train import read_patterns
from valle.data.batching import split_speakers
from valle.data.manifest import Prepared
from valle.speaker.augment import change_speed

HELD_OUT = Path(__file__).with_name("held_out.txt")
SPEEDS = (0.9, 1.12)
MAX_SECONDS = 16.0


def play(job: tuple[str, str, Path, float]) -> None:
    """Write one clip at another speed, with its text beside it; skip one that is there."""
    audio, text, path, speed = job
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".txt").write_text(text, encoding="utf-8")
    samples = change_speed(load_audio(audio), speed)
    with atomic_path(path) as part:
        soundfile.write(part, np.clip(samples, -1, 1), SAMPLE_RATE, format="FLAC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="plain folder to write")
    parser.add_argument("prepared", nargs="+", type=Path, help="folders from `valle prepare`")
    options = parser.parse_args()
    train, _ = split_speakers(Prepared.open(options.prepared).utterances,
                              read_patterns([f"@{HELD_OUT}"]))
    jobs = []
    for speed in SPEEDS:
        for u in train:
            if u.text and u.seconds / speed <= MAX_SECONDS:
                speaker = f"{u.speaker[:24]}_s{speed * 100:.0f}"
                name = f"clip_{Path(u.audio).stem}.flac"  # not LibriSpeech's way of naming
                jobs.append((u.audio, u.text, options.out / speaker / name, speed))
    with ProcessPoolExecutor() as pool:
        list(tqdm(pool.map(play, jobs, chunksize=16), total=len(jobs), unit="clip"))


if __name__ == "__main__":
    main()
