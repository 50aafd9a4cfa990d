"""How a stretch of a text is spoken beside the rest: SSML's <prosody> and <emphasis>."""
from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

SLOWEST, FASTEST = 0.25, 4.0
LOUDEST = 4.0  # 12 dB
RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
VOLUMES = {"silent": 0.0, "x-soft": 0.35, "soft": 0.6, "medium": 1.0, "default": 1.0, "loud": 1.5,
           "x-loud": 2.0}
_NUMBER = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?|\.\d{1,4})(%|dB)?", re.IGNORECASE)
_NO_EFFECT = ("pitch", "range", "contour", "duration")


@dataclass(frozen=True)
class Prosody:
    """Attributes:
        rate: 2 is twice as fast.
        gain: of the amplitude.
    """

    rate: float = 1.0
    gain: float = 1.0

    def within(self, outer: Prosody) -> Prosody:
        """Both at once: what is nested is said relative to what is around it.

        Raises:
            ValueError: too fast, too slow or too loud together.
        """
        both = Prosody(self.rate * outer.rate, self.gain * outer.gain)
        if not SLOWEST <= both.rate <= FASTEST:
            raise ValueError(f"<prosody>: a rate of {both.rate:.4g} is not within {SLOWEST:g} to "
                             f"{FASTEST:g}")
        if both.gain > LOUDEST:
            raise ValueError(f"<prosody>: a volume of {both.gain:.4g} times is over {LOUDEST:g}, "
                             "which is +12dB")
        return both


PLAIN = Prosody()
# Longer and louder, as stressed words are; the pitch stays.
EMPHASIS = {"strong": Prosody(0.75, 1.6), "moderate": Prosody(0.85, 1.3), "none": PLAIN,
            "reduced": Prosody(1.15, 0.7)}


def prosody(attributes: Mapping[str, str]) -> Prosody:
    """What <prosody ...> asks for; a warning names what has no effect.

    Raises:
        ValueError: a rate or a volume that cannot be read.
    """
    for name in _NO_EFFECT:
        if name in attributes:
            warnings.warn(f"<prosody {name}> has no effect: the pitch and its course are those of "
                          "the voice", UserWarning, stacklevel=2)
    return Prosody(_rate(attributes.get("rate", "medium")),
                   _gain(attributes.get("volume", "medium")))


def emphasis(attributes: Mapping[str, str]) -> Prosody:
    """What <emphasis level="..."> asks for; ValueError for a level that it has not."""
    level = attributes.get("level", "moderate").lower()
    if level not in EMPHASIS:
        raise ValueError(f"<emphasis level={level!r}>: use one of {', '.join(EMPHASIS)}")
    return EMPHASIS[level]


def _rate(said: str) -> float:
    """slow, 80%, +20% or 1.2 as a factor."""
    rate = RATES.get(said.strip().lower()) or _factor(said, "")
    if rate is None or not SLOWEST <= rate <= FASTEST:
        raise ValueError(f"<prosody rate={said[:30]!r}>: use one of {', '.join(RATES)}, a share "
                         f"such as 80%, or a factor from {SLOWEST:g} to {FASTEST:g}")
    return rate


def _gain(said: str) -> float:
    """loud, +6dB, -20% or 80 (of a hundred) as a factor."""
    gain = VOLUMES.get(said.strip().lower())
    if gain is None:
        gain = _factor(said, "dB")
    if gain is None or not 0 <= gain <= LOUDEST:
        raise ValueError(f"<prosody volume={said[:30]!r}>: use one of {', '.join(VOLUMES)}, "
                         "decibels such as +6dB (at most +12dB), or a share such as 80%")
    return gain


def _factor(said: str, unit: str) -> float | None:
    """A share, a change or a number of `unit`: "" counts in ones, "dB" by default in hundredths."""
    match = _NUMBER.fullmatch(said.strip())
    if not match:
        return None
    sign, number, of = match[1], float(match[2]), (match[3] or "").lower()
    signed = -number if sign == "-" else number
    if of == "db":
        return float(10 ** (signed / 20)) if unit else None
    if of == "%" or unit:
        return 1 + signed / 100 if sign else number / 100
    return None if sign else number
