"""Training samples: utterances of one speaker in a row, in batches of about equal length.

Everything here is a pure function of its arguments: the batches of an epoch follow from (seed,
epoch), so a run resumes exactly at (epoch, number of the batch).
"""
from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from valle.data.manifest import Utterance

LENGTH_JITTER = 0.05  # lengths vary by this share before sorting, so that buckets mix


class Spoken(Protocol):
    """Whatever has a speaker."""

    @property
    def speaker(self) -> str: ...


S = TypeVar("S", bound=Spoken)


def split_speakers(utterances: Iterable[S], held_out: Iterable[str],
                   ) -> tuple[list[S], list[S]]:
    """(training, held out) utterances; `held_out` are names or patterns: "p3*", "[01]*"."""
    patterns = list(held_out)
    train: list[S] = []
    held: list[S] = []
    for utterance in utterances:
        match = any(fnmatch.fnmatchcase(utterance.speaker, pattern) for pattern in patterns)
        (held if match else train).append(utterance)
    return train, held


def spread_out(utterances: Sequence[S], count: int) -> list[S]:
    """At most `count` utterances, from all corpora and speakers alike."""
    return list(utterances[:: -(-len(utterances) // count) or 1])


def token_length(utterance: Utterance) -> int:
    """Tokens of an utterance in the plain layout: one per phone and one per frame."""
    return len(utterance.phones or ()) + utterance.frames


def concatenate(utterances: Sequence[Utterance], *, seed: int, epoch: int,
                max_seconds: float = 20.0, max_concat: int = 4) -> list[list[Utterance]]:
    """Samples: 1 to `max_concat` utterances of one speaker and language each.

    Every utterance is in exactly one sample; a sample of several lasts at most `max_seconds`.
    """
    rng = np.random.default_rng((seed, epoch, 0))
    groups: dict[tuple[str, str], list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault((utterance.speaker, utterance.language), []).append(utterance)
    samples: list[list[Utterance]] = []
    for _, group in sorted(groups.items()):
        sample: list[Utterance] = []
        seconds, wanted = 0.0, 0
        for index in rng.permutation(len(group)):
            utterance = group[index]
            if not sample or len(sample) == wanted or seconds + utterance.seconds > max_seconds:
                sample, seconds = [], 0.0
                wanted = int(rng.integers(1, max_concat, endpoint=True))
                samples.append(sample)
            sample.append(utterance)
            seconds += utterance.seconds
    return samples


def batches(utterances: Sequence[Utterance], *, tokens_per_batch: int, seed: int, epoch: int,
            max_seconds: float = 20.0, max_concat: int = 4,
            length: Callable[[Utterance], int] = token_length) -> list[list[list[Utterance]]]:
    """Batches of samples of utterances, for one epoch.

    Samples of like length stand together; a batch padded to its longest sample holds at most
    `tokens_per_batch` tokens. Batches come in random order.

    Args:
        length: tokens that an utterance adds to a sample.

    Raises:
        ValueError: one sample alone exceeds the budget, or an utterance has no phones.
    """
    for utterance in utterances:
        if utterance.phones is None:
            raise ValueError(f"{utterance.id} has no text: leave such utterances out")
    samples = concatenate(utterances, seed=seed, epoch=epoch, max_seconds=max_seconds,
                          max_concat=max_concat)
    sizes = [sum(map(length, sample)) for sample in samples]
    if sizes and max(sizes) > tokens_per_batch:
        raise ValueError(f"a sample has {max(sizes)} tokens, the batch {tokens_per_batch}: raise "
                         "tokens_per_batch or lower max_seconds")
    rng = np.random.default_rng((seed, epoch, 1))
    jitter = rng.uniform(1 - LENGTH_JITTER, 1 + LENGTH_JITTER, len(samples))
    found: list[list[list[Utterance]]] = []
    longest = 0
    for position in np.argsort(np.multiply(sizes, jitter), kind="stable").tolist():
        longest = max(longest, sizes[position])
        if not found or longest * (len(found[-1]) + 1) > tokens_per_batch:
            found.append([])
            longest = sizes[position]
        found[-1].append(samples[position])
    return [found[i] for i in rng.permutation(len(found)).tolist()]
