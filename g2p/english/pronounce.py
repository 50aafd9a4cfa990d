"""What espeak gets wrong by itself: heteronyms, acronyms said as words, the letter A, odd words.

A reading that espeak must be told stands in the text as one private character, which mnemonics()
turns into [[espeak's phoneme mnemonics]] when nothing else will touch the text.
"""
from __future__ import annotations

import re

from g2p.english.acronym_tables import ACRONYM_WORDS
from g2p.english.heteronym_tables import READINGS
from g2p.english.heteronyms import heteronyms
from g2p.english.rules import LETTER_A, SMALL_A

# Acronyms and words that espeak reads wrongly even in lower case.
_WORDS = {
    "jpeg": "dZ'eIpEg", "jpegs": "dZ'eIpEgz", "simd": "s'ImdI", "gui": "g'u:i", "hipaa": "h'Ip@",
    "gnu": "g@n'u:", "jpg": "dZ'eIpEg", "jpgs": "dZ'eIpEgz", "fiat": "f'i:at", "hamas": "ham'aas",
    "json": "dZ'eIs@n", "quran": "k3r'A:n", "qurān": "k3r'A:n", "nasa's": "n'as@z",
    "qur'an": "k3r'A:n", "nvidia": "Env'IdI@",
    "unesco": "ju:n'EskoU", "unesco's": "ju:n'EskoUz", "loomis": "l'u:mI2s", "niche": "n'i:S",
    "niches": "n'i:SI#z", "sommelier": "s,Vm@lj'eI", "weeknote": "w'i:knoUt",
    "weeknotes": "w'i:knoUts", "banknote": "b'aNknoUt", "banknotes": "b'aNknoUts",
    "bios": "b'aIoUs", "fifa": "f'i:f@", "foia": "f'OI@", "dos": "d'0s", "basics": "b'eIsIks",
}
# espeak 1.52 takes "retro" inside a word for the beginning of it.
_RETRO = {"alpha": "'alf@2", "beta": "b'eIt@2", "gamma": "g'am@2", "delta": "d'Elt@2",
          "epsilon": "'EpsI2l,0n", "spuma": "spj'u:m@2", "lenti": "l'EntI2", "endo": "'EndoU",
          "onco": "'0NkoU", "para": "p'ar@2", "macro": "m'akroU", "micro": "m'aIkroU",
          "poly": "p'0li", "pseudo": "s'u:doU", "neo": "n'i:oU", "ultra": "'Vltr@2",
          "meta": "m'Et@2"}
_TAILS = {"virus": "v'aIr@s", "viruses": "v'aIr@sI#z", "viral": "v'aIr@L",
          "virology": "vaIr'0l@dZi",
          "transposon": "tr,ansp'oUz0n", "element": "'ElIm@nt", "": ""}
for _head, _first in _RETRO.items():
    for _tail, _last in _TAILS.items():
        _WORDS[f"{_head}retro{_tail}"] = f"{_first}r,EtroU{_last}"
_MNEMONICS = tuple(sorted({phones for readings in READINGS.values()
                           for phones in readings.values() if phones} | set(_WORDS.values())))
_MARKS = {phones: chr(0xE100 + i) for i, phones in enumerate(_MNEMONICS)}
_TOLD = re.compile(f"[{chr(0xE100)}-{chr(0xE100 + len(_MNEMONICS))}]")
# Words that begin otherwise are two; and espeak voices the s behind a c: music's.
_RETRO_INSIDE = re.compile(rf"\b(?!(?:{'|'.join(_RETRO)})retro)([A-Za-z]{{1,20}}?)"
                           r"(retro[a-z]{0,20})\b")
_HARD_C = re.compile(r"(?<=[A-Za-z])[cq]'s\b")
_ACRONYM = re.compile(r"\b[A-Z]{2,}(?:'?s)?\b")
_WORD = re.compile(r"(?<![\w'])\w+(?:'\w+)?(?![\w'])")


def pronounceable(text: str) -> str:
    """A normalised English text with a private character for each reading espeak must be told."""
    pieces, place = [], 0
    for start, end, phones in heteronyms(text):
        pieces += [text[place:start], _MARKS[phones]]
        place = end
    text = "".join(pieces) + text[place:]
    text = _ACRONYM.sub(_lower, text)
    text = _RETRO_INSIDE.sub(r"\1-\2", text)
    text = _HARD_C.sub("ck's", text)
    text = _WORD.sub(_odd, text)
    text = text.replace(SMALL_A, LETTER_A)
    return text.replace(LETTER_A + "'s", "A's").replace(LETTER_A, " eigh ")


def mnemonics(text: str) -> str:
    """The private characters as espeak reads them."""
    return _TOLD.sub(lambda m: f"[[{_MNEMONICS[ord(m[0]) - 0xE100]}]]", text)


def _lower(match: re.Match[str]) -> str:
    word = match[0]
    stem = word[:-2] if word.endswith("'s") else word[:-1] if word.endswith("s") else word
    return word.lower() if stem.lower() in ACRONYM_WORDS else word


def _odd(match: re.Match[str]) -> str:
    phones = _WORDS.get(match[0].lower())
    return _MARKS[phones] if phones else match[0]
