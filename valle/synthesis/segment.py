"""Texts as segments: stretches of phones that the model can speak in one go."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from g2p import BOUNDARIES, phonemize
from g2p.pauses import split_pauses
from valle.synthesis.options import MAX_CANDIDATES
from valle.synthesis.phrases import rank

ENDS = (".", "?", "!", ";")
SPACE = " "
MOST = 120                # phones of a segment
QUICK = 48                # of the first one, where it should be heard soon: about four seconds
UNEVEN = 2.5              # ranks that a cut loses which is as far off as a segment is long
LEAST_SHARE = 0.4         # of a segment that a cut within a phrase must fill
PARAGRAPH_PAUSES = 2.0    # of the pause between sentences
MARKED = re.compile(r"[.?!;:,…][\"'”’)\]]*\s*$")
PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*|\u2029")


@dataclass(frozen=True)
class Segment:
    """A stretch of a text in phones; candidate n of it is drawn with seed + n.

    Attributes:
        text: place of its text among those of a call.
        first: it begins its text; in a continuation the prompt stands before it.
        pause: least seconds of silence before the next segment of its text; 0 behind the last.
        durations: frames that each phone has to last; None leaves that to the model.
    """

    phones: tuple[str, ...]
    seed: int
    text: int = 0
    first: bool = True
    pause: float = 0.0
    durations: tuple[int, ...] | None = None


def segments(texts: Sequence[str], language: str, seed: int, pause: float = 0.4,
             quick: bool = False) -> tuple[list[Segment], dict[int, ValueError]]:
    """The segments of all texts, in order, and why some texts cannot be spoken, by their place.

    pause: seconds of silence between sentences, and twice as much between paragraphs; a text may
    ask for others itself (g2p/pauses.py).
    quick: the first segment of a text is short, so that it is soon heard.

    Raises:
        ValueError: the only text cannot be spoken.
    """
    found: list[Segment] = []
    errors: dict[int, ValueError] = {}
    for index, text in enumerate(texts):
        try:
            parts = parts_of(text, language, pause, quick)
        except ValueError as error:
            if len(texts) == 1:
                raise
            errors[index] = error
            continue
        found += [Segment(tuple(phones), seed * 1_000_003 + place * 2 * MAX_CANDIDATES, index,
                          place == 0, silence) for place, (phones, silence) in enumerate(parts)]
    return found, errors


def parts_of(text: str, language: str, pause: float, quick: bool = False,
             ) -> list[tuple[list[str], float]]:
    """(phones, seconds of silence behind it) of each segment of a text, as `segments` cuts it.

    Raises:
        ValueError: nothing in it can be spoken.
    """
    found: list[tuple[list[str], float]] = []
    error: ValueError | None = None
    for stretch, asked in _stretches(text):
        try:
            phones = phonemize(stretch, language)
        except ValueError as this:  # such as a line of stars
            error = error or this
            if asked is not None and found:
                found[-1] = (found[-1][0], found[-1][1] + asked)
            continue
        if asked is not None and not MARKED.search(stretch):
            phones[-1] = ","
        parts = (split_first(phones, language) if quick and not found
                 else split_phones(phones, language=language))
        found += [(part, pause if part[-1] in ENDS else 0.0) for part in parts[:-1]]
        found.append((parts[-1], PARAGRAPH_PAUSES * pause if asked is None else asked))
    if not found:
        phonemize(text, language)  # says what is wrong with it
        raise error or ValueError("nothing to say")
    if asked is None:
        found[-1] = (found[-1][0], 0.0)
    return found


def _stretches(text: str) -> list[tuple[str, float | None]]:
    """Paragraphs, cut where they ask for a pause; the seconds of it, or None behind a paragraph."""
    return [(stretch, asked) for paragraph in PARAGRAPH.split(text)
            for stretch, asked in split_pauses(paragraph) if stretch.strip() or asked is not None]


def split_first(phones: list[str], language: str = "") -> list[list[str]]:
    """As `split_phones`, the first one short if a mark allows it, or if it is cut anyway."""
    if len(phones) <= QUICK:
        return [phones]
    cut = _best_cut(phones[: QUICK + 1], QUICK / 2, language)
    if phones[cut] not in BOUNDARIES[1:] and len(phones) <= MOST:
        return [phones]
    first, rest = _parted(phones, cut)
    return [first, *(split_phones(rest, language=language) if len(rest) > 1 else [])]


def split_phones(phones: list[str], most: int = MOST, language: str = "") -> list[list[str]]:
    """Cut phones [L] into segments of at most `most`, at sentence ends, else clauses, else words.

    In English words are parted where a phrase begins (phrases.py). Of several places the one that
    makes segments most even is taken: a last word alone sounds poor. Every segment starts with " "
    and ends with punctuation, like the whole. A word longer than a segment is cut too.
    """
    found: list[list[str]] = []
    rest = phones
    while len(rest) > most:
        cut = _best_cut(rest[:most + 1], len(rest) / -(-len(rest) // most), language)
        first, rest = _parted(rest, cut)
        found.append(first)
    return [*found, rest] if len(rest) > 1 or not found else found


def _parted(phones: list[str], cut: int) -> tuple[list[str], list[str]]:
    """The segment that ends at a place, with punctuation, and what is left, from " " on."""
    within = phones[cut] not in BOUNDARIES
    return ([*phones[:cut], "," if within or phones[cut] == SPACE else phones[cut]],
            [SPACE, *phones[cut if within else cut + 1:]])


def _best_cut(window: list[str], even: float, language: str) -> int:
    """Index of the boundary nearest to `even`: of sentence ends, unless they waste too much.

    Without any boundary, the last index but one. The window's last phone is beyond what fits.
    """
    fits = window[:-1]
    for marks, least in ((ENDS, 0.25), (BOUNDARIES[1:], 0.4)):
        found = [i for i, phone in enumerate(fits) if phone in marks and i > least * len(fits)]
        if found:
            return min(found, key=lambda i: abs(i + 1 - even))
    spaces = [i for i, phone in enumerate(fits) if phone == SPACE and i]
    if not spaces:
        return len(fits) - 1
    if not language.startswith("en"):
        return min(spaces, key=lambda i: abs(i + 1 - even))
    ranks = {i: rank(_word_before(window, i), _word_after(window, i)) for i in spaces
             if i > LEAST_SHARE * len(fits)} or dict.fromkeys(spaces, 0)
    return max(ranks, key=lambda i: ranks[i] - UNEVEN * abs(i + 1 - even) / even)


def _word_before(phones: list[str], place: int) -> list[str]:
    start = max(i for i in range(-1, place) if i < 0 or phones[i] in BOUNDARIES)
    return phones[start + 1: place]


def _word_after(phones: list[str], place: int) -> list[str]:
    end = min((i for i in range(place + 1, len(phones)) if phones[i] in BOUNDARIES),
              default=len(phones))
    return phones[place + 1: end]
