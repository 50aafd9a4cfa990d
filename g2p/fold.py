"""One form for every way of writing a character: plain quotes and dashes, no emoji, no controls."""
from __future__ import annotations

import re
import unicodedata

from g2p.english.powers import SUPERSCRIPTS
from g2p.given import GIVEN

# Unicode punctuation that NFKC leaves alone, as the plain marks the phones keep.
PUNCTUATION = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'", "`": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "″": '"', "‹": '"', "›": '"',
    "—": ", ", "―": ", ", "⸺": ", ", "‐": "-", "‑": "-", "‒": "-", "…": ". ",
    "。": ". ", "｡": ". ", "、": ", ", "・": " ", "·": " ", "•": ", ", "¿": " ", "¡": " ",
    "؟": "? ", "،": ", ", "؛": "; ", "۔": ". ", "।": ". ", "॥": ". ", "‽": "? ", "⁇": "? ",
    "：": ": ", "（": " ", "）": " ", "《": " ", "》": " ", "「": " ", "」": " ", "⁄": "/",
    "∕": "/", "₤": "£", "™": " ", "®": " ", "∞": " infinity ", "\u00ad": "", "№": "No. ",
}
FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
             "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8",
             "⅞": "7/8", "⅒": "1/10"}
_FRACTION = re.compile(rf"(\d)?([{''.join(FRACTIONS)}])")
_PLAIN = str.maketrans(PUNCTUATION)
# NFKC would make m² m2 and 10⁶ 106: superscripts step aside meanwhile.
_ASIDE = {ord(ch): chr(0xE000 + i) for i, ch in enumerate(SUPERSCRIPTS)}
_BACK = {0xE000 + i: ch for i, ch in enumerate(SUPERSCRIPTS)}
_PRIVATE = re.compile("[\ue000-\uefff]")  # beyond are phones that the text brings along (given.py)


def fold(text: str) -> str:
    """NFKC with plain quotes, dashes and marks; no emoji, control or private characters."""
    if text.isascii():
        return re.sub(r"-{2,}", ", ", re.sub(r"[\x00-\x1f\x7f]|`", _control, text))
    text = re.sub(r"(?<=\d)\s?º", "°", _PRIVATE.sub("", text))
    text = _FRACTION.sub(lambda m: (f"{m[1]} " if m[1] else "") + FRACTIONS[m[2]], text)
    text = re.sub(r"(?<=[\w%)\]$€£°.])\s?[–—](?=\s?[$€£-]?\d)", "-", text)
    text = re.sub(r"\s+–\s+|–(?=\s|$)", ", ", text).replace("–", "-")
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN).translate(_ASIDE)).translate(_BACK)
    text = re.sub(r"-{2,}", ", ", text.translate(_PLAIN))
    return "".join(map(_visible, text))


def _control(match: re.Match[str]) -> str:
    return "'" if match[0] == "`" else " "


def _visible(ch: str) -> str:
    if ch.isascii():
        return ch if ch >= " " else " "
    kind = unicodedata.category(ch)
    if kind in ("Cf", "Me") or 0xFE00 <= ord(ch) <= 0xFE0F:
        return ""
    if GIVEN.match(ch):
        return ch
    return ch if ch in "°©" or kind[0] in "LNPMZ" or kind in ("Sm", "Sc") or ch in "♯♭♮" else " "
