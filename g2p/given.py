"""Phones that a text brings along, in IPA: "Ask for [[ˈniːʃ]] cheese."

Brackets around plain letters are no phones but a wiki's link, and stay text.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from g2p.vocab import BOUNDARIES, STRESS

# Each stands in the text as one private character that the rules let alone.
FIRST, LAST = "\uf000", "\uf8ff"
GIVEN = re.compile(f"[{FIRST}-{LAST}]")
_BRACKETS = re.compile(r"\[\[([^][\n]{0,300})\]\]")
EXACT = "‿"        # begins brackets that hold phones as espeak writes them, "|" between them
# Phones of several letters, as espeak writes English; the longest that fits is taken.
_LONG = ("aɪə", "aɪɚ", "ɑːɹ", "ɔːɹ", "aɪ", "aʊ", "eɪ", "oʊ", "ɔɪ", "iə", "dʒ", "tʃ", "əl", "ɛɹ",
         "ɪɹ", "ʊɹ")
_CONSONANTS = "bdfhjklmnpstvwzçðŋɡɹɾʃʒʔθxɲɬrɫʁqcɕʑʂʐβɣχħʕɦʋɻʎ"
# 'ananan or n'ananan, as espeak says it in any of its languages.
_STANDS_IN = re.compile(r"\|*(?:n\u0329?\|)?(?:[ˈˌ]?[^|\s]{1,3}\|n\u0329?\|){2}[^|\s]{1,3}"
                        r"\|[nm]\u0329?\|*")
_SYLLABLE = ".‿͡"  # syllable and tie marks say nothing here


def take(text: str) -> tuple[str, list[str]]:
    """The text with a private character for each piece of given phones, and the pieces, as espeak
    would write them: "|" between phones, " " between words.

    Raises:
        ValueError: a piece holds something that is no phone, or there are too many.
    """
    text = GIVEN.sub("", text)
    pieces: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match[1].isascii():
            return match[0]
        if len(pieces) > ord(LAST) - ord(FIRST):
            raise ValueError("too many phones in double brackets: send the text in parts")
        pieces.append(written(match[1]))
        return f" {chr(ord(FIRST) + len(pieces) - 1)} "

    return _BRACKETS.sub(replace, text), pieces


def brought(mark: re.Match[str], given: Sequence[str]) -> str:
    """The piece that a private character stands for."""
    return given[ord(mark[0]) - ord(FIRST)]


def stand_in(words: str, given: Sequence[str]) -> str:
    """Words for espeak, each private character as a word that begins like the phones it stands for:
    what is before it ("a", "the") depends on that."""
    def word(match: re.Match[str]) -> str:
        piece = brought(match, given).lstrip(STRESS)
        return f" [[{'n' if piece[0] in _CONSONANTS else ''}'ananan]] "

    return " ".join(GIVEN.sub(word, words).split())


def put_back(spoken: str, given: Iterator[str]) -> str:
    """What espeak said, the given phones in place of the words that stood for them."""
    return " ".join(next(given, word) if _STANDS_IN.fullmatch(word) else word
                    for word in spoken.split(" "))


def as_brackets(phones: Sequence[str]) -> str:
    """What phonemize gives as [[phones]] and marks, which can stand in another text."""
    found, word = "", ""
    for phone in phones[1:]:
        if phone in BOUNDARIES:
            found, word = f"{found} [[{EXACT}{word}]]{phone.strip()}", ""
        else:
            word += f"|{phone}" if word else phone
    return found + " "


def written(ipa: str) -> str:
    """IPA as espeak writes it: "həˈloʊ wɜːld" to "h|ə|l|ˈoʊ w|ɜː|l|d"."""
    if ipa.startswith(EXACT):
        return ipa[1:]
    words = [_phones(word, ipa) for word in ipa.replace("ʼ", "").replace("'", "ˈ").split()]
    return " ".join("|".join(word) for word in words if word)


def _phones(word: str, whole: str) -> list[str]:
    """Phones of one word. A stress mark moves from the start of the syllable to its vowel."""
    word = unicodedata.normalize("NFC", word).replace("g", "ɡ").translate(
        {ord(mark): None for mark in _SYLLABLE})
    found: list[str] = []
    stress, place = "", 0
    while place < len(word):
        if word[place] in STRESS:
            stress, place = word[place], place + 1
            continue
        size = next((len(long) for long in _LONG if word.startswith(long, place)), 1)
        phone = word[place: place + size]
        if not phone[0].isalpha():
            raise ValueError(f"[[{whole}]] holds {phone[0]!r}, which is no phone of IPA: write it "
                             "as `valle phones` shows it")
        place += size
        while place < len(word) and _belongs(word[place]):
            phone, place = phone + word[place], place + 1
        if stress and phone[0] not in _CONSONANTS:
            phone, stress = stress + phone, ""
        found.append(phone)
    return found


def _belongs(mark: str) -> bool:
    """Is it a tone, a length or another mark on the phone before it?"""
    return mark.isdigit() or (mark not in STRESS and unicodedata.category(mark) in ("Lm", "Mn",
                                                                                    "Sk"))
