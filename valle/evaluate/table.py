"""Means with bootstrap intervals, and Markdown tables of them."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over clips and its 95 % interval; NaN where there were none."""

    mean: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if not self.count:
            return "-"
        return f"{_number(self.mean)} ({_number(self.low)} to {_number(self.high)})"


def bootstrap(values: Sequence[float | None], clusters: Sequence[str] | None = None,
              weights: Sequence[float] | None = None, seed: int = 0) -> Estimate:
    """Mean of the values and the percentiles 2.5 and 97.5 of means of resampled values.

    None and NaN are left out. The same values give the same interval.

    Args:
        clusters: what each value belongs to; clusters are resampled whole, since prompts or seeds
            of one target are no new evidence. Default: each value by itself.
        weights: of each value, such as the words of a text in a word error rate.
    """
    sums = _sums(values, clusters, weights)
    if not len(sums):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    low, high = np.percentile(_resampled(sums, seed), (2.5, 97.5))
    count = sum(v is not None and v == v for v in values)
    return Estimate(float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high), count)


def paired(a: Sequence[float | None], b: Sequence[float | None],
           clusters: Sequence[str] | None = None, weights: Sequence[float] | None = None,
           seed: int = 0) -> Estimate:
    """Mean of the differences b - a of the same clips, with its interval; see `bootstrap`."""
    return bootstrap([None if x is None or y is None else y - x
                      for x, y in zip(a, b, strict=True)], clusters, weights, seed)


def _sums(values: Sequence[float | None], clusters: Sequence[str] | None,
          weights: Sequence[float] | None) -> NDArray[np.float64]:
    """(weighted sum, sum of weights) of each cluster [n, 2], in the order of appearance."""
    sums: dict[object, list[float]] = {}
    for index, value in enumerate(values):
        if value is None or value != value:
            continue
        weight = 1.0 if weights is None else weights[index]
        entry = sums.setdefault(index if clusters is None else clusters[index], [0.0, 0.0])
        entry[0] += weight * value
        entry[1] += weight
    return np.array(list(sums.values()), np.float64).reshape(-1, 2)


def _resampled(sums: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Means [ROUNDS] of clusters drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(len(sums), size=(ROUNDS, len(sums)))
    totals = sums[drawn].sum(axis=1)
    return np.asarray(totals[:, 0] / totals[:, 1])


def column(rows: Sequence[Mapping[str, Any]], key: str, judge: str | None = None,
           ) -> list[float | None]:
    """A figure of each row, or that of one judge; None where a row has none."""
    if judge is None:
        return [row.get(key) for row in rows]
    return [row.get(key, {}).get(judge) for row in rows]


def judges(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """Names of all judges who said something for this figure, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row.get(key, {})))


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are set to the right.

    Raises:
        ValueError: a row is not as long as the header.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells under a header of {len(header)}")
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
