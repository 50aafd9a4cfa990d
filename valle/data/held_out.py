"""What is kept from training to validate on: speakers by name, else a few clips."""
from __future__ import annotations

import fnmatch
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from valle.data.audio_files import plain_name
from valle.features.progress import say

CLIP_SHARE, MOST_CLIPS = 20, 64  # without --held-out one clip in so many, and no more than that


class Spoken(Protocol):
    """Whatever has a speaker."""

    @property
    def speaker(self) -> str: ...


S = TypeVar("S", bound=Spoken)


def read_patterns(given: Iterable[str]) -> list[str]:
    """Patterns as given, with every @FILE replaced by its words.

    Raises:
        OSError: a file cannot be read.
    """
    return [pattern for item in given for pattern in (
        Path(item[1:]).read_text(encoding="utf-8").split() if item.startswith("@") else [item])]


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of the patterns, "p3*" or "[01]*" among them."""
    return any(fnmatch.fnmatchcase(plain_name(name), plain_name(p)) for p in patterns)


def split_speakers(spoken: Iterable[S], held_out: Iterable[str]) -> tuple[list[S], list[S]]:
    """(training, held out); `held_out` are names or patterns of speakers."""
    patterns = list(held_out)
    train: list[S] = []
    held: list[S] = []
    known: dict[str, bool] = {}
    for one in spoken:
        if one.speaker not in known:
            known[one.speaker] = matches(one.speaker, patterns)
        (held if known[one.speaker] else train).append(one)
    return train, held


def hold_out(names: Sequence[tuple[str, ...]], ids: Iterable[int], held_out: Sequence[str],
             what: str = "speaker") -> NDArray[np.bool_]:
    """Which of some clips [M] are held out: those that patterns name.

    Without patterns it is one clip in twenty, and a line says so: one person's recordings can be
    trained on too. The clips follow from their ids alone, so that most of them stay the same when
    a corpus grows.

    Args:
        names: of each clip, that patterns may match.
        ids: a number for each clip, as `crc` gives it.

    Raises:
        ValueError: there are patterns, and none matches.
    """
    if held_out:
        known = {name: matches(name, held_out) for own in names for name in own}
        if known and not any(known.values()):
            some = ", ".join(sorted(known)[:5])
            raise ValueError(f"--held-out {' '.join(held_out[:3])}: no {what} is called so; there "
                             f"are {some}{' ...' if len(known) > 5 else ''}")
        return np.array([any(known[name] for name in own) for own in names], bool)
    held = np.zeros(len(names), bool)
    count = max(0, min(-(-len(names) // CLIP_SHARE), MOST_CLIPS, len(names) - 1))
    held[np.argsort(np.fromiter(ids, np.uint32), kind="stable")[:count]] = True
    one = "the one speaker there is" if len(set(names)) == 1 else "speakers that are trained on"
    say(f"no --held-out: {count} of {len(names)} clips are kept to validate on, of "
        f"{one if what == 'speaker' else 'all'}")
    return held


def crc(name: str) -> int:
    """A number that follows from an id."""
    return zlib.crc32(name.encode())
