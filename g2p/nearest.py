"""Phones that a model never learned, by the nearest ones that it knows.

What an English reader makes of German, French or Spanish: Munchen, bonn joor, manyana.
"""
from __future__ import annotations

import unicodedata

from g2p.vocab import STRESS, Vocabulary

_NEAREST = {
    "a": "ɑː", "ɑ": "ɑː", "e": "eɪ", "eː": "eɪ", "o": "oʊ", "oː": "oʊ", "y": "uː",
    "yː": "uː", "ʏ": "ʊ", "ø": "ɜː", "øː": "ɜː", "œ": "ɜː", "œː": "ɜː", "ɯ": "uː",
    "ɨ": "ɪ", "ɵ": "ʊ", "u": "uː", "ɤ": "ʌ", "ɒ": "ɑː", "ɜ": "ɜː", "ʉ": "uː", "ɔø": "ɔɪ",
    "ɔʏ": "ɔɪ", "ai": "aɪ", "au": "aʊ", "ei": "eɪ", "əʊ": "oʊ", "eə": "ɛɹ", "ʊə": "ʊɹ",
    "ɪə": "ɪɹ", "ɑ̃": "ɑː n", "ɔ̃": "ɔː n", "ɛ̃": "æ n", "œ̃": "ʌ n", "x": "h", "χ": "h",
    "ç": "ʃ", "ħ": "h", "ɦ": "h", "ʁ": "ɹ", "ʀ": "ɹ", "r": "ɹ", "ɾ": "ɹ", "ɻ": "ɹ",
    "ɽ": "ɹ", "ɣ": "ɡ", "β": "v", "ʋ": "v", "ʝ": "j", "ɥ": "w", "ʎ": "l j", "ɲ": "n j",
    "ɟ": "dʒ", "c": "k", "q": "k", "ɫ": "l", "ɭ": "l", "ɬ": "l", "ɳ": "n", "ɱ": "m",
    "ʈ": "t", "ɖ": "d", "ɕ": "ʃ", "ʂ": "ʃ", "ʑ": "ʒ", "ʐ": "ʒ", "tɕ": "tʃ", "tʂ": "tʃ",
    "dʑ": "dʒ", "ts": "t s", "dz": "d z", "pf": "p f", "l̩": "əl", "m̩": "ə m", "ʕ": "ʔ"}


def nearest(phone: str, vocabulary: Vocabulary) -> list[str]:
    """The phones to say for one that a vocabulary lacks; [] where none is near."""
    bare = phone.lstrip(STRESS)
    plain = "".join(ch for ch in unicodedata.normalize("NFD", bare)
                    if unicodedata.category(ch) not in ("Mn", "Lm", "Sk") and not ch.isdigit())
    letters = " ".join(_NEAREST.get(letter, letter) for letter in plain)
    for said in (_NEAREST.get(bare), bare.rstrip("ː"), f"{bare}ː", _NEAREST.get(plain), plain,
                 f"{plain}ː", letters):
        phones = (said or "").split()
        if phones and not vocabulary.unknown(phones):
            return [phone[: len(phone) - len(bare)] + phones[0], *phones[1:]]
    return []
