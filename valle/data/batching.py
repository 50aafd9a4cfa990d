"""Training samples: utterances of one speaker in a row, in batches of about equal length.

Everything here is a pure function of its arguments: the batches of an epoch follow from (seed,
epoch), so a run resumes exactly at (epoch, number of the batch).
"""
from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from valle.data.manifest import Index

T = TypeVar("T")
Rows = NDArray[np.integer]
LENGTH_JITTER = 0.02  # lengths vary by this share before sorting, so that buckets mix; as much pads


def spread_out(items: Sequence[T], count: int) -> list[T]:
    """At most `count` items, from all corpora and speakers alike."""
    return list(items[:: -(-len(items) // count) or 1])


class Groups(Sequence[list[int]]):
    """Lists of numbers in two arrays: as lists a million utterances took 144 MB, so 11."""

    def __init__(self, numbers: NDArray[np.integer], ends: NDArray[np.integer]) -> None:
        """numbers: of all lists; ends: where each list ends among them."""
        self.numbers, self.ends = numbers, ends

    @property
    def starts(self) -> NDArray[np.integer]:
        """Where each list begins."""
        return np.concatenate([[0], self.ends[:-1]]).astype(self.ends.dtype)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> list[int]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[int]]: ...

    def __getitem__(self, place: int | slice) -> list[int] | list[list[int]]:
        if isinstance(place, slice):
            return [self[i] for i in range(len(self))[place]]
        place = range(len(self))[place]
        start = int(self.ends[place - 1]) if place else 0
        return self.numbers[start: int(self.ends[place])].tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Batches:
    """The batches of an epoch: samples, each of some rows, and which samples are in each batch."""

    samples: Groups
    batches: Groups

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> list[list[int]]:
        """The rows of each sample of a batch."""
        return [self.samples[i] for i in self.batches[number]]


def concatenate(index: Index, rows: Rows, *, seed: int, epoch: int, max_seconds: float = 20.0,
                max_concat: int = 4) -> Groups:
    """Samples: 1 to `max_concat` of the given rows, of one speaker and language each.

    Every row is in exactly one sample; a sample of several lasts at most `max_seconds`.
    """
    rng = np.random.default_rng((seed, epoch, 0))
    speaker, language = (np.argsort(np.argsort(names))[own[rows]] for names, own in (
        (index.speakers, index.speaker), (index.languages, index.language)))
    order = np.lexsort((np.arange(len(rows)), language, speaker))
    changes = np.flatnonzero(np.diff(speaker[order]) | np.diff(language[order])) + 1
    joined, ends = array("i"), array("i")
    for group in np.split(rows[order], changes) if len(rows) else []:
        held, seconds, wanted = 0, 0.0, 0  # utterances in the sample, their length, their number
        for row in group[rng.permutation(len(group))].tolist():
            lasting = float(index.seconds[row])
            if not held or held == wanted or seconds + lasting > max_seconds:
                held, seconds = 0, 0.0
                wanted = int(rng.integers(1, max_concat, endpoint=True))
                ends.append(len(joined))
            joined.append(row)
            held, seconds = held + 1, seconds + lasting
    return Groups(np.array(joined), np.array([*ends[1:], len(joined)] if ends else [], np.int32))


def batches(index: Index, rows: Rows, lengths: NDArray[np.integer], *, tokens_per_batch: int,
            seed: int, epoch: int, max_seconds: float = 20.0, max_concat: int = 4) -> Batches:
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
    sizes = np.add.reduceat(lengths[samples.numbers], samples.starts) if samples else np.zeros(0)
    if len(sizes) and sizes.max() > tokens_per_batch:
        raise ValueError(f"a sample has {sizes.max()} tokens, the batch {tokens_per_batch}: raise "
                         "--tokens-per-batch or lower --max-seconds")
    rng = np.random.default_rng((seed, epoch, 1))
    jitter = rng.uniform(1 - LENGTH_JITTER, 1 + LENGTH_JITTER, len(samples))
    order = np.argsort(sizes * jitter, kind="stable").astype(np.int32)
    ends = array("i")
    first = longest = 0
    for place, size in enumerate(sizes[order].tolist()):
        longest = max(longest, size)
        if longest * (place + 1 - first) > tokens_per_batch:
            ends.append(place)
            first, longest = place, size
    whole = np.array([*ends, len(order)] if len(order) else [], np.int32)
    shuffled = rng.permutation(len(whole))
    parts = np.split(order, whole[:-1])
    return Batches(samples, Groups(
        np.concatenate([parts[i] for i in shuffled]) if len(whole) else order,
        np.cumsum([len(parts[i]) for i in shuffled], dtype=np.int32)))
