"""Batches: every utterance once, in budget, with its own speaker."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from valle.data.batching import batches, concatenate, split_speakers, token_length
from valle.data.manifest import Utterance


def invent(count: int, speakers: int = 5) -> list[Utterance]:
    rng = np.random.default_rng(1)
    found = []
    for i in range(count):
        frames = int(rng.integers(75, 600))
        found.append(Utterance(f"u{i}", "", f"p{i % speakers}", "en-us", "", [" ", "a", "."],
                               frames / 75, 0.0, frames / 75, frames, durations=[0, frames, 0]))
    return found


def test_every_utterance_once_with_its_own_speaker_and_in_budget() -> None:
    utterances = invent(200)
    options = {"tokens_per_batch": 4000, "seed": 3, "max_seconds": 15.0, "max_concat": 3}
    epoch = batches(utterances, epoch=0, **options)
    samples = [sample for batch in epoch for sample in batch]
    assert Counter(u.id for sample in samples for u in sample) == Counter(u.id for u in utterances)
    assert {len(sample) for sample in samples} == {1, 2, 3}
    for sample in samples:
        assert len({u.speaker for u in sample}) == 1
        assert len(sample) == 1 or sum(u.seconds for u in sample) <= 15.0
    used = total = 0
    for batch in epoch:
        sizes = [sum(token_length(u) for u in sample) for sample in batch]
        assert max(sizes) * len(sizes) <= 4000
        used, total = used + sum(sizes), total + max(sizes) * len(sizes)
    assert used / total > 0.85  # little padding
    assert epoch == batches(utterances, epoch=0, **options)
    assert epoch != batches(utterances, epoch=1, **options)


def test_one_utterance_per_sample_when_asked() -> None:
    assert all(len(s) == 1 for s in concatenate(invent(20), seed=0, epoch=0, max_concat=1))


def test_batches_refuse_what_cannot_be_trained_on() -> None:
    utterances = invent(4)
    with pytest.raises(ValueError, match="raise tokens_per_batch"):
        batches(utterances, tokens_per_batch=50, seed=0, epoch=0)
    textless = [*utterances, replace(utterances[0], id="x", phones=None, durations=None)]
    with pytest.raises(ValueError, match="x has no text"):
        batches(textless, tokens_per_batch=9999, seed=0, epoch=0)


def test_held_out_speakers_are_kept_apart() -> None:
    train, held = split_speakers(invent(20), ["p1", "p[34]"])
    assert {u.speaker for u in train} == {"p0", "p2"} and {u.speaker for u in held} == {
        "p1", "p3", "p4"}
