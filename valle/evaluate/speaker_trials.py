"""Speaker verification: trials, and what their scores say of an encoder."""
from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.files import atomic_path
from valle.data.clips import Clip, by_speaker

Floats = NDArray[np.float64]
Embedding = NDArray[np.float32]
ROUNDS = 200  # of the bootstrap


@dataclass(frozen=True)
class Trial:
    """Two clips by their ids, and whether one person speaks both."""

    same: bool
    a: str
    b: str


@dataclass(frozen=True)
class Rates:
    """Both errors at every threshold, from accepting nothing to accepting all.

    Attributes:
        miss: share of same-speaker trials that are refused [K], falling from 1 to 0.
        false_alarm: share of the others that are accepted [K], rising from 0 to 1.
    """

    miss: Floats
    false_alarm: Floats


def make_trials(clips: Sequence[Clip], seed: int, *, clips_per_speaker: int = 10,
                most_others: int = 20_000) -> list[Trial]:
    """All pairs of up to ten clips of each speaker, and pairs of different speakers.

    Different speakers are of the same corpus, so that microphones and rooms do not tell them
    apart; where there are more than `most_others` pairs of them, a seeded part is taken.

    Raises:
        ValueError: no speaker has two clips, or no corpus two speakers.
    """
    chance = random.Random(seed)
    chosen: list[Clip] = []
    for group in by_speaker(sorted(clips, key=lambda clip: clip.id)).values():
        chosen += chance.sample(group, min(clips_per_speaker, len(group)))
    same, others = [], []
    for a, b in combinations(chosen, 2):
        if a.speaker == b.speaker:
            same.append(Trial(True, a.id, b.id))
        elif a.corpus == b.corpus:
            others.append(Trial(False, a.id, b.id))
    if not same or not others:
        raise ValueError(f"{len(clips)} clips of {len(by_speaker(clips))} speakers make no trials: "
                         "two clips of a speaker and two speakers of a corpus are needed, check "
                         "--data and --held-out")
    return same + chance.sample(others, min(most_others, len(others)))


def write_trials(path: Path, trials: Sequence[Trial]) -> None:
    """One trial per line: 1 or 0, and two ids, between tabs."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{int(t.same)}\t{t.a}\t{t.b}\n" for t in trials),
                             encoding="utf-8")


def read_trials(path: Path) -> list[Trial]:
    """Trials that `write_trials` wrote.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line is not a trial, or one of both kinds is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no trials at {path}: check --trials")
    trials = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t")
        if len(fields) != 3 or fields[0] not in ("0", "1"):
            raise ValueError(f"{path} line {number}: a trial is 1 or 0 and two ids between tabs")
        trials.append(Trial(fields[0] == "1", fields[1], fields[2]))
    if len({trial.same for trial in trials}) < 2:
        raise ValueError(f"{path} needs trials of the same speaker (1) and of others (0)")
    return trials


def cosines(trials: Sequence[Trial], embeddings: Mapping[str, Embedding]) -> Floats:
    """Score of each trial [M]: the cosine of its clips' unit embeddings [D]."""
    return np.array([embeddings[t.a] @ embeddings[t.b] for t in trials], np.float64)


def error_rates(scores: Floats, same: NDArray[np.bool_], weights: Floats | None = None) -> Rates:
    """Errors of scores [M] against the truth [M], each trial counted `weights` times [M]."""
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    scores, same, weights = scores[order], same[order], weights[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # of trials of equal score
    hits = np.cumsum(weights * same)[last]
    alarms = np.cumsum(weights * ~same)[last]
    return Rates(np.concatenate([[1.0], 1 - hits / hits[-1]]),
                 np.concatenate([[0.0], alarms / alarms[-1]]))


def equal_error_rate(rates: Rates) -> float:
    """Where both errors are equal, on the line between the two nearest thresholds."""
    gap = rates.miss - rates.false_alarm
    after = int(np.argmax(gap <= 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(rates.miss[after - 1] + share * (rates.miss[after] - rates.miss[after - 1]))


def min_dcf(rates: Rates, prior: float) -> float:
    """Least detection cost for this prior of the same speaker, both errors costing one.

    1 is the cost of a system that does not listen (NIST SRE).
    """
    cost = prior * rates.miss + (1 - prior) * rates.false_alarm
    return float(cost.min() / min(prior, 1 - prior))


def eer_interval(trials: Sequence[Trial], scores: Floats, speakers: Mapping[str, str],
                 seed: int = 0) -> tuple[float, float]:
    """95 % interval of the equal error rate, by resampling speakers (not trials).

    speakers: the speaker of each clip.
    """
    names = sorted({speakers[i] for t in trials for i in (t.a, t.b)})
    number = {name: index for index, name in enumerate(names)}
    a, b = (np.array([number[speakers[i]] for i in ids])
            for ids in zip(*((t.a, t.b) for t in trials), strict=True))
    same = np.array([t.same for t in trials])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(ROUNDS):
        drawn = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        weights = np.where(same, drawn[a], drawn[a] * drawn[b]).astype(np.float64)
        if weights[same].any() and weights[~same].any():
            found.append(equal_error_rate(error_rates(scores, same, weights)))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def identification(embeddings: Mapping[str, Embedding], speakers: Mapping[str, str],
                   ) -> tuple[float, int, int]:
    """(accuracy, clips, speakers): who of all speakers said a clip, by one other clip of each.

    The first clip of each speaker, by id, is the one the others are compared with.
    """
    enrolled: dict[str, str] = {}
    for clip in sorted(embeddings):
        enrolled.setdefault(speakers[clip], clip)
    names = list(enrolled)
    references = np.stack([embeddings[enrolled[name]] for name in names])
    tested = [clip for clip in sorted(embeddings) if enrolled[speakers[clip]] != clip]
    right = [names[int(np.argmax(references @ embeddings[clip]))] == speakers[clip]
             for clip in tested]
    return float(np.mean(right)), len(tested), len(names)
