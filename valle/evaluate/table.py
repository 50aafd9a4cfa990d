"""Means with bootstrap intervals, and Markdown tables of them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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


def bootstrap(values: Sequence[float | None], seed: int = 0) -> Estimate:
    """Mean of the values and the percentiles 2.5 and 97.5 of means of resampled values.

    None and NaN are left out. The same values give the same interval.
    """
    known = np.array([v for v in values if v is not None], np.float64)
    known = known[~np.isnan(known)]
    if not known.size:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    drawn = np.random.default_rng(seed).integers(known.size, size=(ROUNDS, known.size))
    low, high = np.percentile(known[drawn].mean(axis=1), (2.5, 97.5))
    return Estimate(float(known.mean()), float(low), float(high), int(known.size))


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
