"""Exact timings from the synthetic teacher: flite's segments laid over our espeak phones."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from g2p import BOUNDARIES

Segments = Sequence[tuple[str, float]]  # (ARPAbet phone or "pau", end in seconds)

ARPABET = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ",
    "b": "b", "ch": "tʃ", "d": "d", "dh": "ð", "eh": "ɛ", "er": "ɚ", "ey": "eɪ", "f": "f",
    "g": "ɡ", "hh": "h", "ih": "ɪ", "iy": "i", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n",
    "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t",
    "th": "θ", "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ"}
VOWELS = frozenset("ɑæʌɔaəɚɛeɪiouʊɐɜɒᵻ")
ALIKE = ("tdɾʔ", "szʃʒ", "kɡ", "pb", "fvθð", "mnŋ", "lɹw", "ji")  # consonants often exchanged
SKIP_SEGMENT, SKIP_PHONE = 0.7, 0.8


def parse_segments(printed: str) -> list[tuple[str, float]]:
    """What `flite -psdur` prints, "pau:0.164 hh:0.255 ...", as (phone, end in seconds)."""
    pairs = (item.rsplit(":", 1) for item in printed.split())
    return [(phone, float(end)) for phone, end in pairs]


def write_phones(path: Path, phones: Sequence[str], ends: Iterable[float]) -> None:
    """A .phones file as `valle prepare` reads it: each phone with its end in seconds."""
    path.write_text("".join(f"{phone}\t{end:.4f}\n" for phone, end in
                            zip(phones, ends, strict=True)), encoding="utf-8")


def mismatch(segment: str, phone: str) -> float:
    """How unlike a teacher's segment and our phone are: 0 the same, 1 no better than a skip."""
    if segment == "pau" or phone in BOUNDARIES:
        return 0.0 if segment == "pau" and phone in BOUNDARIES else 3.0
    ipa, bare = ARPABET.get(segment, segment), phone.strip("ˈˌ").replace("ː", "")
    if ipa == bare:
        return 0.0
    if bare[0] in VOWELS or ipa[0] in VOWELS:
        if not (bare[0] in VOWELS and ipa[0] in VOWELS):
            return 2.0
        return 0.2 if bare[0] == ipa[0] else 0.5
    return 0.2 if any(bare[0] in group and ipa[0] in group for group in ALIKE) else 1.2


def lay_over(segments: Segments, phones: Sequence[str]) -> tuple[list[float], float]:
    """End time in seconds of every phone, and the share of phones without a counterpart.

    A monotonic edit-distance path pairs segments with phones. A segment without a phone lends its
    time to the phone before it; a phone without a segment takes an equal share of the one before;
    a boundary without a pause takes no time.
    """
    costs = np.array([[mismatch(s, p) for p in phones] for s, _ in segments])
    skips = np.array([0.0 if p in BOUNDARIES else SKIP_PHONE for p in phones])
    n, m = costs.shape
    best = np.full((n + 1, m + 1), np.inf)
    best[0] = np.concatenate([[0.0], np.cumsum(skips)])
    move = np.zeros((n + 1, m + 1), int)  # 0 pair, 1 skip a segment, 2 skip a phone
    move[0] = 2
    for i in range(1, n + 1):
        for j in range(m + 1):
            options = (best[i - 1, j - 1] + costs[i - 1, j - 1] if j else np.inf,
                       best[i - 1, j] + SKIP_SEGMENT,
                       best[i, j - 1] + skips[j - 1] if j else np.inf)
            move[i, j] = int(np.argmin(options))
            best[i, j] = options[move[i, j]]
    return _ends(segments, phones, move)


def _ends(segments: Segments, phones: Sequence[str], move: np.ndarray) -> tuple[list[float], float]:
    """Follow the path back and share out the time."""
    i, j = len(segments), len(phones)
    pair: list[int | None] = [None] * j
    while i or j:
        step = move[i, j]
        if step == 0:
            i, j = i - 1, j - 1
            pair[j] = i
        elif step == 1:
            i -= 1
        else:
            j -= 1
    paired = [k for k, p in enumerate(pair) if p is not None]
    ends = [0.0] * len(phones)
    for position, k in enumerate(paired):
        following = paired[position + 1] if position + 1 < len(paired) else len(phones)
        first = 0 if position == 0 else pair[k] or 0
        last = (pair[following] or 0) - 1 if following < len(phones) else len(segments) - 1
        start = segments[first - 1][1] if first else 0.0
        takers = [x for x in range(k, following) if x == k or phones[x] not in BOUNDARIES]
        share = (segments[last][1] - start) / len(takers)
        for x in range(k, following):
            start += share if x in takers else 0.0
            ends[x] = start
    lost = sum(p is None and phones[k] not in BOUNDARIES for k, p in enumerate(pair))
    return ends, lost / max(1, sum(p not in BOUNDARIES for p in phones))
