"""Texts as segments: stretches of phones that the model can speak in one go."""
from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from g2p import BOUNDARIES, Vocabulary, phonemize
from g2p.nearest import nearest
from g2p.pauses import pauses
from g2p.prosody import PLAIN, Prosody
from g2p.ssml import Span, spans
from valle.synthesis.options import MAX_CANDIDATES
from valle.synthesis.phrases import rank
from valle.synthesis.words import bare, counterparts, sounds

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
        prosody: rate and gain of each phone; empty where the text asks for none.
        durations: frames that each phone has to last; None leaves that to the model.
    """

    phones: tuple[str, ...]
    seed: int
    text: int = 0
    first: bool = True
    pause: float = 0.0
    prosody: tuple[Prosody, ...] = ()
    durations: tuple[int, ...] | None = None


def seed_of(seed: int, place: int) -> int:
    """The seed of the segment in this place of what is spoken with a seed: a candidate more has the
    next number, and never that of another segment."""
    return seed * 1_000_003 + place * 2 * MAX_CANDIDATES


class Part(NamedTuple):
    """What becomes a segment: its phones, the silence behind it, and how each phone is spoken."""

    phones: list[str]
    pause: float
    prosody: tuple[Prosody, ...] = ()


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
        found += [Segment(tuple(part.phones), seed_of(seed, place), index, place == 0, part.pause,
                          part.prosody)
                  for place, part in enumerate(parts)]
    return found, errors


def parts_of(text: str, language: str, pause: float, quick: bool = False) -> list[Part]:
    """What becomes the segments of a text, as `segments` cuts it.

    Raises:
        ValueError: nothing in it can be spoken.
    """
    found: list[Part] = []
    error: ValueError | None = None
    asked: float | None = None
    for stretch, asked in stretches(text, language):
        words = "".join(span.text for span in stretch)
        try:
            phones = phonemize(words, language)
        except ValueError as this:  # such as a line of stars
            error = error or this
            if asked is not None and found:
                found[-1] = found[-1]._replace(pause=found[-1].pause + asked)
            continue
        if asked is not None and not MARKED.search(words):
            phones[-1] = ","
        cut = (split_first(phones, language) if quick and not found
               else split_phones(phones, language=language))
        silences = [pause if part[-1] in ENDS else 0.0 for part in cut[:-1]]
        silences.append(PARAGRAPH_PAUSES * pause if asked is None else asked)
        found += map(Part, cut, silences, prosody_of(cut, stretch, language))
    if not found:
        phonemize(text, language)  # says what is wrong with it
        raise error or ValueError("nothing to say")
    if asked is None:
        found[-1] = found[-1]._replace(pause=0.0)
    return found


def stretches(text: str, language: str, between: re.Pattern[str] = PARAGRAPH,
              ) -> list[tuple[list[Span], float | None]]:
    """Paragraphs, cut where they ask for a pause; the seconds of it, or None behind a paragraph.

    between: what parts paragraphs.

    Raises:
        ValueError: wrong markup (g2p/ssml.py).
    """
    found = spans(text, language)
    whole = "".join(span.text for span in found)
    cuts = sorted([*pauses(whole), *((*match.span(), None) for match in between.finditer(whole)),
                   (len(whole), len(whole), None)], key=lambda cut: cut[:2])
    parts, place = [], 0
    for start, end, asked in cuts:
        if whole[place:start].strip() or asked is not None:
            parts.append((_between(found, place, start), asked))
        place = max(place, end)
    return parts


def _between(found: Sequence[Span], start: int, end: int) -> list[Span]:
    """What stands from `start` to `end` in spans that stand one behind the other."""
    parts, place = [], 0
    for span in found:
        text = span.text[max(0, start - place): max(0, end - place)]
        parts += [Span(text, span.prosody)] if text else []
        place += len(span.text)
    return parts


def prosody_of(cut: Sequence[Sequence[str]], stretch: Sequence[Span], language: str,
               ) -> list[tuple[Prosody, ...]]:
    """How each phone of a stretch's parts is spoken; () for parts where the text asks for nothing.

    The stretch is read as a whole, so that its words stand in their sentence; which phones belong
    to which span, its own phones tell.
    """
    if all(span.prosody == PLAIN for span in stretch):
        return [()] * len(cut)
    spoken = [phone for part in cut for phone in part if phone not in BOUNDARIES]
    alone = [(sound, span.prosody) for span in stretch for sound in sounds(span.text, language)]
    places = counterparts([sound for sound, _ in alone], [bare(phone) for phone in spoken])
    ways = iter([alone[place][1] for place in places] if alone else [PLAIN] * len(spoken))
    return [_with_boundaries(part, [next(ways) for phone in part if phone not in BOUNDARIES])
            for part in cut]


def _with_boundaries(part: Sequence[str], ways: Sequence[Prosody]) -> tuple[Prosody, ...]:
    """One for each phone: a boundary is spoken as what is on both sides of it."""
    if all(way == PLAIN for way in ways):
        return ()
    found, done = [], 0
    for phone in part:
        if phone in BOUNDARIES:
            sides = ways[max(0, done - 1): done + 1]
            found.append(sides[0] if sides[0] == sides[-1] else PLAIN)
        else:
            found.append(ways[done])
            done += 1
    return tuple(found)


def with_known_phones(parts: Sequence[Segment], vocabulary: Vocabulary,
                      ) -> tuple[list[Segment], list[str]]:
    """The segments with the nearest phones that a model knows for those it never learned, and
    what was changed, in words."""
    unknown = vocabulary.unknown(phone for part in parts for phone in part.phones)
    near = {phone: nearest(phone, vocabulary) for phone in unknown}
    found = []
    for part in parts if unknown else ():
        said = [near.get(phone) or [phone] for phone in part.phones]
        ways = tuple(way for way, new in zip(part.prosody, said, strict=False) for _ in new)
        found.append(replace(part, phones=tuple(itertools.chain(*said)), prosody=ways))
    said_for = ", ".join(f"{' '.join(new)} for {phone}" for phone, new in near.items() if new)
    lost = " ".join(phone for phone, new in near.items() if not new)
    return found or list(parts), [
        *([f"this model never learned some phones, it says the nearest: {said_for}"]
          if said_for else []),
        *([f"this model never learned the phones {lost}; they will sound wrong"] if lost else [])]


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
