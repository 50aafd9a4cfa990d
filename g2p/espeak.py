"""Text to phones with espeak-ng. The only file that imports phonemizer."""
from __future__ import annotations

import ctypes
import difflib
import logging
import os
import re
import threading
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from g2p.english.pronounce import mnemonics, pronounceable
from g2p.given import put_back, stand_in, take
from g2p.normalize import LONGEST_WORD, speakable
from g2p.vocab import BOUNDARIES

COMMON = ("en-us", "en-gb", "de", "fr-fr", "es", "cmn")
ALIASES = {
    "en": "en-us", "en-uk": "en-gb", "english": "en-us", "german": "de", "fr": "fr-fr",
    "french": "fr-fr", "spanish": "es", "es-mx": "es-419", "es-us": "es-419", "zh": "cmn",
    "zh-cn": "cmn", "zh-tw": "cmn", "zh-hans": "cmn", "zh-hant": "cmn", "chinese": "cmn",
    "mandarin": "cmn", "zh-hk": "yue", "cantonese": "yue", "no": "nb", "vn": "vi", "jp": "ja",
}
# The region whose accent a plain code has, where it is named otherwise than the language.
HOMES = {"ja": "jp", "ko": "kr", "sv": "se", "da": "dk", "cs": "cz", "el": "gr", "uk": "ua",
         "et": "ee", "sl": "si", "hi": "in", "he": "il", "fa": "ir", "vi": "vn", "ca": "es",
         "nb": "no", "nn": "no", "zh": "cn", "sq": "al", "sr": "rs", "bn": "bd", "ms": "my"}
SPACELESS = {"cmn", "cmn-latn-pinyin", "yue", "hak", "ja", "th", "my", "shn"}
LONGEST_PATH = 150      # bytes of the data folder's path; from 160 on espeak ends the process
STRENGTH = {mark: rank for rank, mark in enumerate((" ", ",", ":", ";", ".", "!", "?"))}
# A mark inside a number (1.5, 10:30) belongs to the number, where the normaliser left it there.
MARKS = re.compile(r"((?:[?!;]|(?<!\d)[,.:]|[,.:](?!\d))+)")
_UTF8_AND_MNEMONICS = 0x101     # espeakCHARS_UTF8 | espeakPHONEMES of speak_lib.h
LOCK = threading.Lock()     # espeak-ng is not thread-safe: one call at a time in the process


def phonemize(text: str, language: str) -> list[str]:
    """Phones [L] of a text without tags, as `g2p.phonemize` gives them."""
    return phonemize_many([text], language)[0]


def phonemize_many(texts: Iterable[str], language: str) -> list[list[str]]:
    """phonemize for several texts of one language, in order, under one lock."""
    code = resolve_language(language)
    read = [_clauses(text, code) for text in texts]
    words = [words for clauses, _ in read for words, _ in clauses if words]
    with LOCK:
        spoken = iter(_backend(code).phonemize(words, separator=_separator(), strip=True))
    results = []
    for clauses, given in read:
        known = iter(given)
        phones = _join([(put_back(next(spoken), known) if words else "", mark)
                        for words, mark in clauses])
        if not phones:
            raise ValueError(_nothing(" ".join(words for words, _ in clauses)))
        results.append(phones)
    return results


def resolve_language(language: str) -> str:
    """The espeak code for a language code or alias, e.g. "zh-CN" -> "cmn", "EN_gb" -> "en-gb".

    A region that espeak lacks is read as the plain language, with a warning ("de_AT" -> "de").

    Raises:
        ValueError: espeak does not know it; the text names close and common codes.
    """
    if not isinstance(language, str):
        raise ValueError(f"the language must be a code such as 'en-us', not a "
                         f"{type(language).__name__}")
    code = language.strip().lower().replace("_", "-")
    with LOCK:
        known = _languages()
    for candidate in (code, code.split("-")[0]):
        spoken = ALIASES.get(candidate, candidate)
        if spoken in known:
            if candidate != code and code.split("-")[1] not in (candidate, HOMES.get(candidate)):
                warnings.warn(f"espeak has no language {language!r}: it is read as {spoken!r}",
                              UserWarning, stacklevel=4)
            return spoken
    close = [ALIASES.get(c, c) for c in difflib.get_close_matches(code, [*known, *ALIASES], 3)]
    shown = ", ".join(dict.fromkeys((*close, *COMMON)))
    raise ValueError(f"unknown language {language[:40]!r}: use one of {shown} "
                     f"or another of espeak's {len(known)} codes")


def espeak_info() -> dict[str, str]:
    """What speaks: version ("1.52.0"), library and data paths, source.

    source is "espeakng-loader" (the pip package) or "system".

    Raises:
        FileNotFoundError: no usable espeak-ng library.
    """
    with LOCK:
        source = _set_library()
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        wrapper, library = EspeakWrapper(), EspeakWrapper.library()
        version = ".".join(str(part) for part in wrapper.version)
        return {"version": version, "library": str(library), "data": str(wrapper.data_path),
                "source": source}


def _clauses(text: str, code: str) -> tuple[list[tuple[str, str]], list[str]]:
    """(words for espeak, the strongest mark after them or "") of each clause, and the phones that
    the text brings along."""
    _check_text(text, code)
    text, given = take(text)
    spoken = speakable(text, code)
    pieces = MARKS.split(pronounceable(spoken) if code.startswith("en") else spoken)
    clauses = []
    for words, marks in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = " ".join("".join(map(_keep, words)).split())
        words = stand_in(mnemonics(words), given)
        if not any(ch.isalnum() for ch in words):
            words = ""
        clauses.append((words, max(marks, key=STRENGTH.__getitem__, default="")))
    if not any(words for words, _ in clauses):
        raise ValueError(_nothing(text))
    return clauses, given


def _keep(ch: str) -> str:
    """ch if espeak needs it: letters, digits, their combining marks, apostrophes, 1.5, 10:30."""
    if ch.isalnum() or ch in "'.,:" or unicodedata.category(ch)[0] == "M":
        return ch
    return ch if "\ue100" <= ch <= "\uf8ff" else " "      # a reading of pronounce.py, or given


def _check_text(text: str, code: str) -> None:
    """Refuse what is no text, and a 'word' that would keep espeak busy for minutes."""
    if not isinstance(text, str):
        raise ValueError(f"the text must be a str, not a {type(text).__name__}: decode it first")
    unit = "[!-~]" if code in SPACELESS else r"\S"
    found = re.search(f"{unit}{{{LONGEST_WORD + 1},}}", text)
    if found:
        raise ValueError(f"the text has {len(found.group())} characters without a space, from "
                         f"{found.group()[:20]!r}...: put spaces between the words "
                         f"(at most {LONGEST_WORD} characters each)")


def _join(clauses: Sequence[tuple[str, str]]) -> list[str]:
    """Tokens of (espeak's words, mark) clauses under phonemize's contract; [] if no phones."""
    tokens: list[str] = []
    for words, mark in clauses:
        for word in words.split():
            # espeak leaves a "-" where French may link two words
            phones = [p for p in word.replace("-", "").split("|") if p and p not in BOUNDARIES]
            if phones:
                if not tokens or tokens[-1] not in BOUNDARIES:
                    tokens.append(" ")
                tokens += phones
        if mark and tokens:
            if tokens[-1] in BOUNDARIES:
                tokens[-1] = max(tokens[-1], mark, key=STRENGTH.__getitem__)
            else:
                tokens.append(mark)
    if tokens and tokens[-1] not in BOUNDARIES:
        tokens.append(".")
    return tokens


def _nothing(text: str) -> str:
    shown = " ".join(text.split())[:30]
    return f"nothing to say in {shown!r}: give a text with at least one word or number"


@cache
def _separator() -> Any:
    from phonemizer.separator import Separator

    return Separator(phone="|", word=" ")


@cache
def _backend(code: str) -> Any:
    """The espeak backend of one language, loaded once; call under LOCK."""
    _set_library()
    from phonemizer.backend import EspeakBackend

    # punctuation_marks: phonemizer must not touch the points inside numbers.
    backend = EspeakBackend(code, with_stress=True, language_switch="remove-flags",
                            words_mismatch="ignore", punctuation_marks="¶", logger=_quiet())
    # espeak reads [[mnemonics]] after it has once been asked to; it has no other switch for it.
    backend._espeak._espeak._library.espeak_Synth(
        ctypes.c_char_p(b" "), ctypes.c_size_t(2), 0, 1, 0, _UTF8_AND_MNEMONICS, None, None)
    return backend


@cache
def _languages() -> dict[str, str]:
    """Codes and names of espeak's languages; call under LOCK."""
    _set_library()
    from phonemizer.backend import EspeakBackend

    return dict(EspeakBackend.supported_languages())


def _quiet() -> logging.Logger:
    """A logger that says nothing: phonemizer's warnings on language switches are expected."""
    logger = logging.getLogger("g2p.phonemizer")
    logger.disabled = True
    return logger


@cache
def _set_library() -> str:
    """Point phonemizer to espeakng-loader's library and data, else to the system's espeak."""
    try:
        from phonemizer.backend.espeak.wrapper import EspeakWrapper
    except ImportError as error:
        raise FileNotFoundError(f"phonemizer is missing ({error}): pip install phonemizer "
                                "espeakng-loader") from error
    paths = _loader_paths()
    if paths:
        # Both or neither: the library without its data ends the process.
        EspeakWrapper.set_library(paths[0])
        EspeakWrapper.set_data_path(paths[1])
        return "espeakng-loader"
    try:
        EspeakWrapper.library()
    except RuntimeError as error:
        raise FileNotFoundError("no usable espeak-ng: pip install espeakng-loader (in a folder "
                                f"whose path is under {LONGEST_PATH - 60} characters), or install "
                                "the system package espeak-ng") from error
    return "system"


def _loader_paths() -> tuple[str, str] | None:
    """(library, data folder) of espeakng-loader; None where it is absent or cannot be used."""
    try:
        import espeakng_loader

        library, data = espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
        ctypes.CDLL(library)
    except (ImportError, OSError, RuntimeError):
        return None
    folder = Path(data).resolve()
    if not (folder / "phontab").is_file() or len(os.fsencode(folder)) > LONGEST_PATH:
        return None
    return str(library), str(folder)
