"""Training samples: utterances of one speaker in a row, in batches of about equal length.

Everything here is a pure function of its arguments: the batches of an epoch follow from (seed,
epoch), so a run resumes exactly at (epoch, number of the batch).
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from valle.data.manifest import Index

T = TypeVar("T")
Rows = NDArray[np.integer]
LENGTH_JITTER = 0.05  # lengths vary by this share before sorting, so that buckets mix


def spread_out(items: Sequence[T], count: int) -> list[T]:
    """At most `count` items, from all corpora and speakers alike."""
    return list(items[:: -(-len(items) // count) or 1])


def concatenate(index: Index, rows: Rows, *, seed: int, epoch: int, max_seconds: float = 20.0,
                max_concat: int = 4) -> list[list[int]]:
    """Samples: 1 to `max_concat` of the given rows, of one speaker and language each.

    Every row is in exactly one sample; a sample of several lasts at most `max_seconds`.
    """
    rng = np.random.default_rng((seed, epoch, 0))
    speaker, language = (np.argsort(np.argsort(names))[own[rows]] for names, own in (
        (index.speakers, index.speaker), (index.languages, index.language)))
    order = np.lexsort((np.arange(len(rows)), language, speaker))
    ends = np.flatnonzero(np.diff(speaker[order]) | np.diff(language[order])) + 1
    samples: list[list[int]] = []
    for group in np.split(rows[order], ends) if len(rows) else []:
        sample: list[int] = []
        seconds, wanted = 0.0, 0
        for row in group[rng.permutation(len(group))].tolist():
            lasting = float(index.seconds[row])
            if not sample or len(sample) == wanted or seconds + lasting > max_seconds:
                sample, seconds = [], 0.0
                wanted = int(rng.integers(1, max_concat, endpoint=True))
                samples.append(sample)
            sample.append(row)
            seconds += lasting
    return samples


def batches(index: Index, rows: Rows, lengths: NDArray[np.integer], *, tokens_per_batch: int,
            seed: int, epoch: int, max_seconds: float = 20.0, max_concat: int = 4,
            ) -> list[list[list[int]]]:
    """Batches of samples of the given rows, for one epoch.

    Samples of like length stand together; a batch padded to its longest sample holds at most
    `tokens_per_batch` tokens. Batches come in random order.

    Args:
        lengths: tokens that each utterance of the index [U] adds to a sample.

    Raises:
        ValueError: one sample alone exceeds the budget, or an utterance has no phones.
    """
    if (index.phones[rows] == 0).any():
        raise ValueError("some utterances have no text: leave them out")
    samples = concatenate(index, rows, seed=seed, epoch=epoch, max_seconds=max_seconds,
                          max_concat=max_concat)
    sizes = [int(lengths[sample].sum()) for sample in samples]
    if sizes and max(sizes) > tokens_per_batch:
        raise ValueError(f"a sample has {max(sizes)} tokens, the batch {tokens_per_batch}: raise "
                         "--tokens-per-batch or lower --max-seconds")
    rng = np.random.default_rng((seed, epoch, 1))
    jitter = rng.uniform(1 - LENGTH_JITTER, 1 + LENGTH_JITTER, len(samples))
    found: list[list[list[int]]] = []
    longest = 0
    for position in np.argsort(np.multiply(sizes, jitter), kind="stable").tolist():
        longest = max(longest, sizes[position])
        if not found or longest * (len(found[-1]) + 1) > tokens_per_batch:
            found.append([])
            longest = sizes[position]
        found[-1].append(samples[position])
    return [found[i] for i in rng.permutation(len(found)).tolist()]
