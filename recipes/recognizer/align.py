#!/usr/bin/env python3
"""Beginnings of phones by the recogniser's CTC head and by the aligner, against exact timings.

  python recipes/recognizer/align.py runs/recognizer weights/starter data/teachers-heldout
"""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from codec import load_audio
from g2p import BOUNDARIES, phonemize
from valle.data.corpora import read_corpus
from valle.evaluate.table import markdown
from valle.features.fbank import SAMPLE_RATE
from valle.model.aligner import Aligner
from valle.recognizer.align import phone_starts
from valle.recognizer.characters import plain_phones
from valle.recognizer.model import Recognizer

CLIPS = 60


def main() -> None:
    recognizer, aligner = Recognizer.load(sys.argv[1]), Aligner.load(sys.argv[2])
    errors: dict[str, list[float]] = {"recogniser's CTC": [], "aligner": []}
    mel = aligner.config.mel
    recordings = [r for r in read_corpus(Path(sys.argv[3]), "plain") if r.segments and r.text]
    for recording in recordings[:: max(1, len(recordings) // CLIPS)]:
        phones = phonemize(recording.text or "")
        ends = [end for _, end in recording.segments or []]
        spoken = [i for i, phone in enumerate(phones) if phone not in BOUNDARIES]
        truth = [ends[i - 1] if i else 0.0 for i in spoken]
        samples = load_audio(recording.audio, mel.sample_rate)
        durations = aligner.durations(samples, phones)
        starts = np.cumsum([0, *durations[:-1]]) * mel.hop / mel.sample_rate
        errors["aligner"] += [abs(starts[i] - t) for i, t in zip(spoken, truth, strict=True)]
        try:
            found = phone_starts(recognizer, torch.from_numpy(load_audio(
                recording.audio, SAMPLE_RATE)), plain_phones(phones))
        except ValueError:
            continue
        errors["recogniser's CTC"] += [abs(a - b) for a, b in zip(found, truth, strict=True)]
    rows = [(name, len(found), *(f"{1000 * np.quantile(found, q):.0f}" for q in (0.5, 0.9)))
            for name, found in errors.items()]
    print(markdown(("starts of phones", "phones", "median ms", "90 % within ms"), rows))


if __name__ == "__main__":
    main()
