"""Letters that English cannot read: base letters for accented ones, a warning for other scripts."""
from __future__ import annotations

import re
import unicodedata
import warnings

_BASES = {"ʾ": "", "ʿ": "", "ʻ": "", "ʼ": "'", "ꞌ": "", "ʹ": "", "ʺ": "", "ə": "e", "ɛ": "e",
          "ɔ": "o",
          "ŋ": "ng", "ħ": "h", "ŧ": "t", "ĸ": "k", "ŀ": "l", "ƒ": "f", "ẞ": "ss", "ɓ": "b",
          "ɗ": "d",
          "ƙ": "k", "ɣ": "g", "ʉ": "u", "ɩ": "i", "ʃ": "sh", "ʒ": "zh", "ƴ": "y", "ƿ": "w",
          "ȝ": "y", **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz",
                               strict=True)),
          # as scholars write Sanskrit
          "ṛ": "ri", "Ṛ": "Ri", "ṝ": "ri", "ḷ": "li", "ṣ": "sh", "Ṣ": "Sh"}
_GREEK_NAMES = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron
pi rho sigma tau upsilon phi chi psi omega sigma"""
GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψως", _GREEK_NAMES.split(), strict=True))
# Latin letters up to here, and these beyond, have sounds in espeak's English.
_LAST_READ = "\u017f"
_READ_TOO = "șțȘȚ"
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0590-\u1fff])*")
_FOREIGN_MARK = re.compile(r"[\u0300-\u036f\u0590-\u05cf\u064b-\u065f\u0900-\u0903\u093a-\u094f]")
_UNIT = re.compile("μ[A-Za-z]{1,3}|[kMGmμ]?Ω")


def readable(text: str) -> str:
    """Text with letters that espeak's English has sounds for.

    Accents it lacks are taken off (Phở -> Pho), single Greek letters get their names. Words in
    other scripts are left out, with a warning that names the script.
    """
    if text.isascii() or max(text) <= _LAST_READ:
        return text
    text = "".join(map(_base, text))
    text = re.sub(r"(?<![^\W\d_])(?:(?<!\d)(?<!\d\s)[Α-Ωα-ω](?![^\W\d_])|"
                  r"[Α-Ψα-λν-ω](?![^\W\d_])|[Α-Ψα-λν-ω](?=[A-Za-z](?![^\W\d_])))",
                  lambda m: f" {GREEK.get(m[0].lower(), m[0])} ", text)
    lost: dict[str, list[str]] = {}

    def act(match: re.Match[str]) -> str:
        word = match[0]
        foreign = None if _UNIT.fullmatch(word) else next(filter(_foreign, word), None)
        if not foreign:
            return word
        lost.setdefault(_script(foreign), []).append(word)
        return " "

    text = _FOREIGN_MARK.sub("", _WORD.sub(act, text))
    for script, found in lost.items():
        shown = " ".join(found)[:40]
        warnings.warn(f"English has no sounds for {script} letters, left out: {shown!r}; write "
                      "them in Latin letters or name their language", UserWarning, stacklevel=5)
    return text


def _base(ch: str) -> str:
    """The letter itself if espeak reads it, else its base letters."""
    if ch <= _LAST_READ or ch in _READ_TOO or unicodedata.category(ch)[0] not in "LM":
        return ch
    if ch in _BASES:
        return _BASES[ch]
    if "\u02b0" <= ch <= "\u02ff" or "\u0300" <= ch <= "\u036f":
        return ""
    bases = unicodedata.normalize("NFD", ch)
    if bases[0] in _BASES:
        return _BASES[bases[0]]
    return bases[0] if bases[0] <= _LAST_READ else ch


def _foreign(ch: str) -> bool:
    return ch > _LAST_READ and ch not in _READ_TOO and unicodedata.category(ch)[0] in "LM"


def _script(ch: str) -> str:
    """Hebrew, Greek, Chinese, ...: the first word of the letter's name."""
    name = unicodedata.name(ch, "unknown").split()[0].capitalize()
    return {"Cjk": "Chinese", "Hangul": "Korean", "Hiragana": "Japanese", "Katakana": "Japanese"
            }.get(name, name)
