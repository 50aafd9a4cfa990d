"""PocketSphinx as a listener: offline, US English, with an open or a closed vocabulary.

Its own language model is weak on read novels. Knowing the texts of a protocol among others (a
closed vocabulary), it becomes sensitive to how clearly they are said.
"""
from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples, resample
from g2p import BOUNDARIES, phonemize
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import MISSING
from valle.features.text import words

PAD_SECONDS = 0.25  # of silence on both sides: the listener needs some to find the edges
HOP = 0.01          # seconds of a frame

# espeak's English phones, without stress, in those of the CMU dictionary
ARPABET = {
    "ə": "AH", "ɐ": "AH", "ʌ": "AH", "ɚ": "ER", "ɜː": "ER", "iː": "IY", "i": "IY", "ɪ": "IH",
    "ᵻ": "IH", "ɛ": "EH", "e": "EH", "eɪ": "EY", "æ": "AE", "a": "AE", "aɪ": "AY", "aʊ": "AW",
    "ɑː": "AA", "ɑ": "AA", "ɑ̃": "AA N", "ɒ": "AA", "ɔː": "AO", "ɔ": "AO", "oː": "AO", "o": "OW",
    "oʊ": "OW", "ɔɪ": "OY", "ʊ": "UH", "uː": "UW", "u": "UW", "iə": "IY AH", "ɪɹ": "IH R",
    "ʊɹ": "UH R", "ɛɹ": "EH R", "ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R", "aɪɚ": "AY ER",
    "aɪə": "AY AH", "əl": "AH L", "n̩": "AH N", "ɔ̃": "AO N", "p": "P", "b": "B", "t": "T",
    "d": "D", "k": "K", "ɡ": "G", "f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z",
    "ʃ": "SH", "ʒ": "ZH", "tʃ": "CH", "dʒ": "JH", "h": "HH", "ç": "HH", "x": "K",
    "m": "M", "n": "N", "ŋ": "NG", "l": "L", "ɬ": "L", "ɹ": "R", "r": "R", "w": "W", "j": "Y",
    "ɾ": "D", "ʔ": "T",
}


def pronounce(word: str) -> str | None:
    """Pronunciation of a word that is in no dictionary, by espeak; None where none is found."""
    try:
        phones = [p for p in phonemize(word) if p not in BOUNDARIES]
    except ValueError:
        return None
    sounds = [ARPABET.get(p.lstrip("ˈˌ")) for p in phones]
    return " ".join(s for s in sounds if s) if sounds and all(sounds) else None


class PocketSphinx:
    """PocketSphinx with its US English model; not thread-safe.

    Attributes:
        guessed: words of the texts that are not in the CMU dictionary, pronounced by espeak.
        dropped: words left out of the closed vocabulary: always counted as errors.
    """

    def __init__(self, texts: Sequence[str] | None = None) -> None:
        """An open vocabulary, or the closed one of `texts` with a trigram model of them.

        Raises:
            ImportError: no pocketsphinx.
            ValueError: the texts hold no words.
        """
        try:
            from pocketsphinx import Config, Decoder
        except ImportError as error:
            raise ImportError(f"{MISSING} ({error})") from error
        self.guessed: list[str] = []
        self.dropped: list[str] = []
        options: dict[str, Any] = {"loglevel": "FATAL", "cmn": "batch"}  # no state between clips
        if texts is None:
            self._decoder = Decoder(**options)
            return
        with tempfile.TemporaryDirectory() as folder:
            model, dictionary = Path(folder) / "closed.lm", Path(folder) / "closed.dict"
            self._write_closed(texts, str(Config()["dict"]), model, dictionary)
            self._decoder = Decoder(lm=str(model), dict=str(dictionary), mmap=False, **options)

    def _write_closed(self, texts: Sequence[str], cmu: str, model: Path, dictionary: Path) -> None:
        """Trigram model in ARPA format and the part of the dictionary that it needs."""
        from pocketsphinx.lm import ArpaBoLM

        lines = [words(text) for text in texts]
        needed = {word for line in lines for word in line}
        entries = []
        known = set()
        for entry in Path(cmu).read_text(encoding="utf-8").splitlines():
            word = entry.split(" ", 1)[0].split("(")[0]
            if word in needed:
                known.add(word)
                entries.append(entry)
        for word in sorted(needed - known):
            sounds = pronounce(word)
            (self.guessed if sounds else self.dropped).append(word)
            if sounds:
                entries.append(f"{word} {sounds}")
        sentences = [kept for line in lines if (kept := [w for w in line if w not in self.dropped])]
        if not sentences:
            raise ValueError("the texts for a closed vocabulary hold no words")
        dictionary.write_text("\n".join(entries) + "\n", encoding="utf-8")
        closed = ArpaBoLM(text="\n".join(map(" ".join, sentences)), add_start=True)
        closed.compute()
        if not closed.write_file(str(model)):
            raise OSError(f"cannot write {model}: free some space")

    def __call__(self, samples: Samples, sample_rate: int) -> list[str]:
        """The words heard in samples [N] at any rate; an empty list where none were."""
        pcm = to_pcm(samples, sample_rate)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return best.hypstr.split() if best is not None else []


class WordTimes:
    """Where the words of a known text end in a recording, by PocketSphinx's forced alignment."""

    def __init__(self) -> None:
        """Raises ImportError without pocketsphinx."""
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise ImportError(f"{MISSING} ({error})") from error
        self._decoder = Decoder(lm=None, bestpath=False, loglevel="FATAL", cmn="batch",
                                beam=1e-80, wbeam=1e-60, pbeam=1e-80)

    def __call__(self, samples: Samples, sample_rate: int, text: str) -> list[float] | None:
        """Seconds at which each word (see `words`) ends in samples [N].

        None where a word cannot be pronounced, or text and audio do not fit.
        """
        said = words(text)
        for word in said:
            if self._decoder.lookup_word(word) is None:
                sounds = pronounce(word)
                if not sounds:
                    return None
                self._decoder.add_word(word, sounds, True)
        if not said:
            return None
        self._decoder.set_align_text(" ".join(said))
        self._decoder.start_utt()
        self._decoder.process_raw(to_pcm(samples, sample_rate).tobytes(), full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return None
        ends = [(s.word.split("(")[0], (s.end_frame + 1) * HOP - PAD_SECONDS)
                for s in self._decoder.seg() if s.word[0] not in "<[("]
        return [end for _, end in ends] if [word for word, _ in ends] == said else None


def to_pcm(samples: Samples, sample_rate: int) -> NDArray[np.int16]:
    """Samples [N] at any rate to int16 at 16 kHz with a little silence on both sides."""
    samples = resample(samples, sample_rate, SAMPLE_RATE)
    padded = np.pad(samples, round(PAD_SECONDS * SAMPLE_RATE))
    return np.rint(np.clip(padded, -1, 1) * 32767).astype(np.int16)
