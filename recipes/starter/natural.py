#!/usr/bin/env python3
"""Natural teachers: Kokoro's voices, and blends of them, speak sentences of many kinds.

  python recipes/starter/natural.py ../shared/corpus data --hours 10

OUT/natural gets 300 training speakers, OUT/natural-heldout the voices that are in none of their
blends, on sentences that no training speaker says. Each clip is SPEAKER/NAME.flac with NAME.txt, a
plain folder as `valle prepare` reads it; timings are the aligner's. Texts are those of the corpora
(teachers.py), what novels lack (drills.py), and talk (talk.py); speakers and kinds are mixed, so
whatever is done when it is stopped is a fair sample. One core makes about an hour of speech in an
hour; goes on where it was stopped. Needs onnxruntime; fetches Kokoro into OUT/kokoro (kokoro.py).
"""
from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from drills import drills
from kokoro import SAMPLE_RATE, Kokoro, fetch_kokoro
from talk import talk
from teachers import is_held_out, sentences
from tqdm import tqdm

from codec.files import atomic_path
from valle.data.lock import locked
from valle.data.workers import pool

SPEAKERS = 300
HELD_OUT = ("af_kore", "am_onyx", "bf_isabella", "bm_daniel")
CLIPS_OF_HELD_OUT = 24
# Native speakers of English, and those whose English Whisper hears without an error.
NATIVE = ("af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_nicole", "af_nova",
          "af_river", "af_sarah", "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam",
          "am_michael", "am_puck", "am_santa", "bf_alice", "bf_emma", "bf_lily", "bm_fable",
          "bm_george", "bm_lewis")
FOREIGN = ("ef_dora", "em_alex", "ff_siwis", "if_sara", "im_nicola", "pf_dora", "pm_alex",
           "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi")
KINDS = ("prose",) * 5 + ("talk",) * 3 + ("drill",) * 2
SPEEDS = (.82, 1.2)
SECONDS = (.4, 16.)
TYPICAL = 5.5          # seconds of a clip, to plan by
QUIET = 10 ** (-50 / 20)


@dataclass(frozen=True)
class Clip:
    """One sentence by one speaker, a blend of voices: ((name, weight), ...)."""

    path: Path
    blend: tuple[tuple[str, float], ...]
    speed: float
    text: str


def speakers(count: int) -> list[tuple[tuple[str, float], ...]]:
    """`count` different blends: every native voice alone, then two or three voices of one sex."""
    rng = random.Random(0)
    found: dict[tuple[tuple[str, float], ...], None] = {((name, 1.),): None for name in NATIVE}
    while len(found) < count:
        sex = rng.choice("fm")
        voices = [rng.choice([v for v in NATIVE if v[1] == sex])]
        others = [v for v in NATIVE + FOREIGN if v[1] == sex and v not in voices]
        voices += rng.sample(others, rng.choice((1, 1, 2)))
        parts = [rng.choice((1, 2, 3)) for _ in voices]
        found[tuple((v, p / sum(parts)) for v, p in zip(voices, parts, strict=True))] = None
    return list(found)


def plan(corpus: Path, out: Path, hours: float) -> list[Clip]:
    """All clips, always the same for the same corpora; more hours only add some at the end."""
    everything = sentences(corpus)
    train = sorted(text for text in everything if not is_held_out(text))
    held = sorted(text for text in everything if is_held_out(text))
    random.Random(0).shuffle(train)
    random.Random(1).shuffle(held)
    rng = random.Random(2)
    blends = speakers(SPEAKERS)
    texts = {"prose": cycle(train), "talk": talk(random.Random(3)),
             "drill": cycle(drills(train, 6000, seed=1))}
    unseen = held[:CLIPS_OF_HELD_OUT * len(HELD_OUT)]
    clips = [Clip(out / "natural-heldout" / name / f"{i:05d}.flac", ((name, 1.),), 1.0, text)
             for i, (text, name) in enumerate(zip(unseen, cycle(HELD_OUT), strict=False))]
    for i in range(round(hours * 3600 / TYPICAL)):
        speaker = rng.randrange(len(blends))
        clips.append(Clip(out / "natural" / f"k{speaker:03d}" / f"{i:06d}.flac", blends[speaker],
                          rng.uniform(*SPEEDS), next(texts[rng.choice(KINDS)])))
    return clips


@cache
def _teacher(folder: Path) -> Kokoro:
    return Kokoro(folder)


@cache
def _voice(folder: Path, blend: tuple[tuple[str, float], ...]) -> np.ndarray:
    return _teacher(folder).voice(dict(blend))


def speak(job: tuple[Path, Clip]) -> str:
    """Make one clip; says what came of it, so that it can be counted."""
    folder, clip = job
    if clip.path.is_file():
        return "made"
    try:
        wav = _teacher(folder)(clip.text, _voice(folder, clip.blend), clip.speed)
    except ValueError:
        return "too many phones"
    if not np.isfinite(wav).all() or np.abs(wav).max() < QUIET:
        return "silent"
    if not SECONDS[0] <= len(wav) / SAMPLE_RATE <= SECONDS[1]:
        return "too short or too long"
    clip.path.parent.mkdir(parents=True, exist_ok=True)
    clip.path.with_suffix(".txt").write_text(clip.text + "\n", encoding="utf-8")
    with atomic_path(clip.path) as temporary:  # last: a clip is there when its audio is
        soundfile.write(temporary, .6 * wav / np.abs(wav).max(), SAMPLE_RATE, format="FLAC",
                        subtype="PCM_16")
    return "made"


def made(jobs: list[tuple[Path, Clip]], workers: int) -> Iterator[str]:
    """What came of each job, in order."""
    with pool(workers) as processes:
        yield from processes.map(speak, jobs, chunksize=4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder with LibriSpeech, LJSpeech, CommonVoice")
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=10.0, help="about; default 10")
    parser.add_argument("--workers", type=int, default=2, help="processes; default 2")
    options = parser.parse_args()
    kokoro = fetch_kokoro(options.out / "kokoro")
    jobs = [(kokoro, clip) for clip in plan(options.corpus, options.out, options.hours)]
    with locked(options.out / "natural", "speaking"):
        counts = Counter(tqdm(made(jobs, options.workers), total=len(jobs), unit="clip"))
    print(", ".join(f"{count} {what}" for what, count in counts.most_common()))


if __name__ == "__main__":
    main()
