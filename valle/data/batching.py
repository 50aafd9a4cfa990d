"""Training samples: utterances of one speaker in a row, in batches of about equal length.

Everything here is a pure function of its arguments: the batches of an epoch follow from (seed,
epoch), so a run resumes exactly at (epoch, number of the batch).
"""
from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from valle.data.manifest import Codes, Prepared, Utterance

if TYPE_CHECKING:
    from g2p import Vocabulary

LENGTH_JITTER = 0.05  # lengths vary by this share before sorting, so that buckets mix


@dataclass(frozen=True)
class Sample:
    """One to four utterances of a speaker.

    Attributes:
        codes: int16 [Q, T], the utterances in a row.
        phones: ids of each utterance's phones.
        frames: frames of each utterance; they add up to T.
        durations: frames per phone of each utterance, or None when one of them has none.
    """

    codes: Codes
    phones: list[list[int]]
    frames: list[int]
    durations: list[list[int]] | None
    speaker: str
    language: str


def load_sample(prepared: Prepared, utterances: Sequence[Utterance], vocabulary: Vocabulary,
                ) -> Sample:
    """Read the codes of utterances that belong together; ValueError when one has no phones."""
    phones = []
    for utterance in utterances:
        if utterance.phones is None:
            raise ValueError(f"{utterance.id} has no text: use `select` before `batches`")
        phones.append(vocabulary.encode(utterance.phones))
    durations = [u.durations for u in utterances if u.durations is not None]
    return Sample(
        codes=np.concatenate([prepared.codes(u) for u in utterances], axis=1),
        phones=phones,
        frames=[u.frames for u in utterances],
        durations=durations if len(durations) == len(utterances) else None,
        speaker=utterances[0].speaker,
        language=utterances[0].language)


def select(utterances: Iterable[Utterance], *, max_seconds: float = float("inf"),
           need_durations: bool = False, min_score: float = -float("inf")) -> list[Utterance]:
    """Utterances that the AR and NAR can train on: with phones, and not too long.

    Args:
        need_durations: leave out those without durations (interleaved layout).
        min_score: leave out those whose aligner was less sure of the durations.
    """
    return [u for u in utterances
            if u.phones is not None and u.seconds <= max_seconds
            and (u.durations is not None or not need_durations)
            and (u.score is None or u.score >= min_score)]


def split_speakers(utterances: Iterable[Utterance], held_out: Iterable[str],
                   ) -> tuple[list[Utterance], list[Utterance]]:
    """(training, held out) utterances; `held_out` are names or patterns: "p3*", "[01]*"."""
    patterns = list(held_out)
    train: list[Utterance] = []
    held: list[Utterance] = []
    for utterance in utterances:
        match = any(fnmatch.fnmatchcase(utterance.speaker, pattern) for pattern in patterns)
        (held if match else train).append(utterance)
    return train, held


def token_length(utterance: Utterance) -> int:
    """Tokens of an utterance in the plain layout: one per phone and one per frame."""
    return len(utterance.phones or ()) + utterance.frames


def concatenate(utterances: Sequence[Utterance], *, seed: int, epoch: int,
                max_seconds: float = 20.0, max_concat: int = 4) -> list[list[int]]:
    """Samples as lists of indices: 1 to `max_concat` utterances of one speaker and language.

    Every utterance is in exactly one sample; a sample of several lasts at most `max_seconds`.
    """
    rng = np.random.default_rng((seed, epoch, 0))
    groups: dict[tuple[str, str], list[int]] = {}
    for index, utterance in enumerate(utterances):
        groups.setdefault((utterance.speaker, utterance.language), []).append(index)
    samples: list[list[int]] = []
    for _, group in sorted(groups.items()):
        sample: list[int] = []
        seconds, wanted = 0.0, 0
        for index in rng.permutation(group).tolist():
            length = utterances[index].seconds
            if not sample or len(sample) == wanted or seconds + length > max_seconds:
                sample, seconds = [], 0.0
                wanted = int(rng.integers(1, max_concat, endpoint=True))
                samples.append(sample)
            sample.append(index)
            seconds += length
    return samples


def batches(utterances: Sequence[Utterance], *, tokens_per_batch: int, seed: int, epoch: int,
            max_seconds: float = 20.0, max_concat: int = 4,
            length: Callable[[Utterance], int] = token_length) -> list[list[list[int]]]:
    """Batches of samples of indices into `utterances`, for one epoch.

    Samples of like length stand together; a batch padded to its longest sample holds at most
    `tokens_per_batch` tokens. Batches come in random order.

    Args:
        length: tokens that an utterance adds to a sample.

    Raises:
        ValueError: one sample alone exceeds the budget, or an utterance has no phones.
    """
    for utterance in utterances:
        if utterance.phones is None:
            raise ValueError(f"{utterance.id} has no text: use `select` before `batches`")
    samples = concatenate(utterances, seed=seed, epoch=epoch, max_seconds=max_seconds,
                          max_concat=max_concat)
    sizes = [sum(length(utterances[i]) for i in sample) for sample in samples]
    if sizes and max(sizes) > tokens_per_batch:
        raise ValueError(f"a sample has {max(sizes)} tokens, the batch {tokens_per_batch}: raise "
                         "tokens_per_batch or lower max_seconds")
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
