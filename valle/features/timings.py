"""Times of phones as whole frames."""
from __future__ import annotations

from collections.abc import Sequence

from g2p import BOUNDARIES


def frame_durations(phones: Sequence[str], ends: Sequence[float], frames: int,
                    frame_rate: float) -> list[int]:
    """End times in seconds, one per phone, to frames per phone [L]; they add up to `frames`.

    Times are rounded to the nearest frame; a phone that would vanish takes a frame from its
    neighbours. Boundaries may have none.

    Raises:
        ValueError: the phones do not fit.
    """
    check_fit(phones, frames, frame_rate)
    least = [0 if phone in BOUNDARIES else 1 for phone in phones]
    edges = [round(end * frame_rate) for end in ends]
    previous = 0
    for i, shortest in enumerate(least):
        previous = edges[i] = max(edges[i], previous + shortest)
    edges[-1] = following = frames
    for i in range(len(edges) - 2, -1, -1):
        following = edges[i] = min(edges[i], following - least[i + 1])
    return [end - start for start, end in zip([0, *edges], edges, strict=False)]


def check_fit(phones: Sequence[str], frames: int, frame_rate: float) -> None:
    """Raise ValueError when there are more phones than frames to hold them."""
    needed = sum(phone not in BOUNDARIES for phone in phones)
    if needed > frames:
        raise ValueError(f"{needed} phones in {frames / frame_rate:.2f} s: "
                         "the text does not belong to this audio")
