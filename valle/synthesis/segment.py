"""Long texts in pieces that the model can speak in one go."""
from __future__ import annotations

from g2p import BOUNDARIES

ENDS = (".", "?", "!", ";")


def split_phones(phones: list[str], most: int = 120) -> list[list[str]]:
    """Cut phones [L] into pieces of at most `most`, at sentence ends, else clauses, else words.

    Of several places the one that makes pieces most even is taken: a last word alone sounds poor.
    Every piece starts with " " and ends with punctuation, like the whole. A word longer than
    a piece is cut too.
    """
    pieces: list[list[str]] = []
    rest = phones
    while len(rest) > most:
        cut = _best_cut(rest[:most], len(rest) / -(-len(rest) // most))
        within = rest[cut] not in BOUNDARIES
        pieces.append([*rest[:cut], "," if within or rest[cut] == " " else rest[cut]])
        rest = [" ", *rest[cut if within else cut + 1:]]
    return [*pieces, rest] if len(rest) > 1 or not pieces else pieces


def _best_cut(window: list[str], even: float) -> int:
    """Index of the boundary nearest to `even`: of sentence ends, unless they waste too much.

    Without any boundary, the last index.
    """
    for marks, least in ((ENDS, 0.25), (BOUNDARIES[1:], 0.4), (BOUNDARIES, 0.0)):
        found = [i for i, phone in enumerate(window) if phone in marks and i > least * len(window)]
        if found:
            return min(found, key=lambda i: abs(i + 1 - even))
    return len(window) - 1
