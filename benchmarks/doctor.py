#!/usr/bin/env python3
"""Which faults of recordings `valle doctor` names, and which it names where there are none.

  python benchmarks/doctor.py CORPORA/LibriSpeech/train-clean-5 CORPORA/CommonVoice

Thirty recordings as they are from each of the two, by as many speakers as there are; three of every
kind of damage (benchmarks/damage.py) and of two speakers one after the other, made from other
recordings of the first; and three of every sound that is no speech. The thresholds were set with
the other half of the speakers.
"""
from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from damage import NO_SPEECH, SPOILED

from codec.audio import SAMPLE_RATE, Samples, load_audio
from valle.data.corpora import read_corpus
from valle.evaluate.table import markdown
from valle.features.progress import progress
from valle.synthesis.quality import examine

EACH, CLEAN, LONGEST = 3, 30, 8.0
NAMES = ("hum", "noise", "reverberation", "clipping", "bandwidth", "offset", "quiet", "short",
         "two speakers", "no speech")


def recordings(root: Path) -> Iterator[Samples]:
    """Samples [N] at 24 kHz of a corpus, at most eight seconds: of every other speaker the first
    recording, then of each the second, and so on."""
    speakers: dict[str, list[Path]] = {}
    for one in read_corpus(root):
        speakers.setdefault(one.speaker, []).append(one.audio)
    chosen = [speakers[name] for name in sorted(speakers)][::2]
    for number in range(max(map(len, chosen))):
        for files in chosen:
            if number < len(files):
                yield load_audio(files[number])[: round(LONGEST * SAMPLE_RATE)]


def trials(roots: Sequence[Path]) -> Iterator[tuple[str, Samples]]:
    """(what it is, samples) of all that is tried."""
    libri, common = map(recordings, roots)
    for name, corpus in (("LibriSpeech", libri), ("Common Voice", common)):
        for samples in islice(corpus, CLEAN):
            yield f"{name} as it is", samples
    for name, spoil in SPOILED.items():
        for seed in range(EACH):
            yield name, spoil(next(libri), np.random.default_rng(seed))
    for _ in range(EACH):
        half = round(LONGEST / 2 * SAMPLE_RATE)
        one, other = (samples / np.abs(samples).max() / 2 for samples in islice(libri, 2))
        yield "two speakers", np.concatenate([one[:half], other[:half]])
    for name, sound in NO_SPEECH.items():
        for seed in range(EACH):
            yield name, sound(np.random.default_rng(seed))


def named(samples: Samples) -> list[str]:
    """The faults that are found; "no speech" where the recording is refused."""
    try:
        return [fault.name for fault in examine(samples).faults]
    except ValueError:
        return ["no speech"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", type=Path, nargs=2)
    options = parser.parse_args()
    found: dict[str, Counter[str]] = {}
    tried: Counter[str] = Counter()
    for kind, samples in progress(list(trials(options.corpora)), desc="examining",
                                  unit="recordings"):
        tried[kind] += 1
        found.setdefault(kind, Counter()).update(named(samples) or ["none"])
    header = ("what it is", "tried", "none", *NAMES)
    print(markdown(header, [[kind, tried[kind], *(found[kind][name] or "" for name in header[2:])]
                            for kind in tried]))


if __name__ == "__main__":
    main()
