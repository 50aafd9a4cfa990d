"""Rows of a voice's table: what the judges say of ground truth, of resynthesis, of synthesis.

Similarity is the cosine to the prompt as it was heard: SIM-o to the recording (VALL-E 2 and later
papers), SIM-r to its copy by the codec (VALL-E). The recording of the same text shows what another
utterance of the same speaker reaches, `other` what another speaker's prompt does.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec import Codec, normalize_loudness, trim_silence
from codec.audio import Samples
from g2p import BOUNDARIES, phonemize
from valle.evaluate.codec import decode, encode
from valle.evaluate.panel import Panel
from valle.evaluate.protocols import Item, Protocol
from valle.evaluate.robustness import failures
from valle.evaluate.rows import Row
from valle.evaluate.speaking import SAMPLE_RATE, read_record, read_spoken
from valle.evaluate.spelling import canonical
from valle.evaluate.wer import comparable, word_errors, word_figures
from valle.features.pauses import spoken_seconds
from valle.features.text import words
from valle.speaker.encoder import Embedding, cosine

TRUTH, RESYNTHESIS, SYNTHESIS = "ground truth", "resynthesis", "synthesis"
WHOLE = ", with its prompt"   # continuations as a whole: for comparison with papers that do so
AMONG = 10                    # voices among which the right one should be nearest


@dataclass(frozen=True)
class HeardPrompt:
    """What all rows of an item need of its prompt.

    Attributes:
        pace: phones per second.
        original, copied: embeddings by encoder, of the recording and of its codec copy.
        codes: all of its codes [Q, T], by which a decoder knows the voice; None without a codec.
    """

    pace: float
    original: dict[str, Embedding]
    copied: dict[str, Embedding]
    codes: NDArray[np.int64] | None


@dataclass
class Scorer:
    """Makes the rows of a protocol.

    Attributes:
        codec: whose copies are scored beside the recordings; None leaves them and SIM-r out.
        n_codebooks: codebooks it decodes from; all of them by default.
        keep: called with (item, version, samples at 24 kHz) of everything that is scored.
    """

    protocol: Protocol
    panel: Panel
    codec: Codec | None = None
    n_codebooks: int | None = None
    on_row: Callable[[int], object] | None = None
    keep: Callable[[Item, str, Samples], None] | None = None
    _prompts: dict[str, HeardPrompt] = field(default_factory=dict)
    _groups: dict[str, dict[str, dict[str, Embedding]]] = field(default_factory=dict)

    def recordings(self) -> list[Row]:
        """Rows of the recordings of the texts and of their codec copies."""
        rows = []
        for item in self.protocol.items:
            try:
                truth = self.protocol.truth(item)
                if truth is not None:
                    heard = as_heard(truth)
                    rows.append(self._row(item, TRUTH, heard))
                    if self.codec is not None:
                        copy = self._copy(heard, self._prompt(item).codes)
                        rows.append(self._row(item, RESYNTHESIS, copy))
            except (OSError, ValueError) as error:
                rows.append(_broken(item, TRUTH, error))
        return rows

    def spoken(self, version: str, folder: Path, problems: dict[str, str] | None = None,
               ) -> list[Row]:
        """Rows of what a system spoke into a folder; of continuations also with their prompts."""
        rows = []
        for item in self.protocol.items:
            try:
                if item.id in (problems or {}):
                    raise ValueError((problems or {})[item.id])
                samples = read_spoken(folder, item)
                row = self._row(item, version, samples,
                                read_record(folder / f"{item.id}.wav").get("finish"))
                rows.append(row)
                if item.continuation:
                    whole = np.concatenate([self.protocol.prompt(item), samples])
                    rows.append(self._row(item, version + WHOLE, whole, row.get("finish"),
                                          f"{item.prompt_text} {item.text}"))
            except (OSError, ValueError) as error:
                rows.append(_broken(item, version, error))
        return rows

    def _row(self, item: Item, version: str, samples: Samples, finish: str | None = None,
             text: str | None = None) -> Row:
        text = text or item.text
        prompt, heard = self._prompt(item), self.panel.hear(samples, SAMPLE_RATE)
        row: Row = {"id": item.id, "target": item.target, "group": item.group,
                    "speaker": item.speaker[:12], "version": version,
                    "seconds": round(len(samples) / SAMPLE_RATE, 2), "text": text,
                    "finish": finish, **word_figures(text, heard)}
        if heard:  # by the first listener, whose WER is the first column
            said, found = comparable(words(text), next(iter(heard.values())))
            alone = text == item.text
            row["failures"] = failures(
                said, found, word_errors(said, found), samples=samples, sample_rate=SAMPLE_RATE,
                text=text, expected_seconds=_phones(text) / prompt.pace if alone else None,
                finish=finish, prompt=canonical(words(item.prompt_text)) if alone else ())
        row |= self.panel.rate(samples, SAMPLE_RATE)
        row |= self._similarities(item, prompt, self.panel.embed(samples, SAMPLE_RATE))
        if self.keep is not None:
            self.keep(item, version, samples)
        if self.on_row is not None:
            self.on_row(1)
        return row

    def _similarities(self, item: Item, prompt: HeardPrompt, embeddings: dict[str, Embedding],
                      ) -> Row:
        """SIM-o, SIM-r, the mean to other speakers' prompts, and P(right one nearest of ten)."""
        row: Row = {"sim_o": {}, "sim_r": {}, "other": {}, "first": {}}
        strangers = self._others(item)
        for name, embedding in embeddings.items():
            right = cosine(embedding, prompt.original[name])
            row["sim_o"][name] = round(right, 4)
            if name in prompt.copied:
                row["sim_r"][name] = round(cosine(embedding, prompt.copied[name]), 4)
            others = [cosine(embedding, other[name]) for other in strangers]
            if others:
                row["other"][name] = round(float(np.mean(others)), 4)
                row["first"][name] = round(chance_first(sum(right > o for o in others),
                                                        len(others)), 4)
        return row

    def _prompt(self, item: Item) -> HeardPrompt:
        """The prompt of an item; read, embedded and copied once."""
        if item.id not in self._prompts:
            sound = as_heard(self.protocol.prompt(item))
            pace = _phones(item.prompt_text) / max(0.1, spoken_seconds(sound, SAMPLE_RATE))
            original, copied, codes = self.panel.embed(sound, SAMPLE_RATE), {}, None
            if self.codec is not None:
                codes = encode(self.codec, sound)
                copied = self.panel.embed(self._copy(sound, codes), SAMPLE_RATE)
            self._prompts[item.id] = HeardPrompt(pace, original, copied, codes)
        return self._prompts[item.id]

    def _others(self, item: Item) -> list[dict[str, Embedding]]:
        """Embeddings of one prompt of each other speaker of the item's group."""
        if item.group not in self._groups:
            voices: dict[str, dict[str, Embedding]] = {}
            for other in self.protocol.items:
                if other.group == item.group and other.speaker not in voices:
                    try:
                        voices[other.speaker] = self._prompt(other).original
                    except (OSError, ValueError):
                        continue
            self._groups[item.group] = voices
        return [e for speaker, e in self._groups[item.group].items() if speaker != item.speaker]

    def _copy(self, samples: Samples, voice: NDArray[np.int64] | None) -> Samples:
        """Samples [N] after the codec, which knows the voice as it does in synthesis."""
        codec = self.codec
        assert codec is not None
        codes = encode(codec, samples)[: self.n_codebooks]
        return decode(codec, codes, voice)[: len(samples)]


def as_heard(samples: Samples) -> Samples:
    """A recording [N] at 24 kHz as a model hears prompts: trimmed, at -23 dBFS."""
    start, end = trim_silence(samples)
    return normalize_loudness(samples[start:end])


def chance_first(below: int, others: int) -> float:
    """How likely the right voice is the nearest of ten, nine of the `others` drawn at random.

    below: others that are less similar than the right one. With fewer than nine, all are drawn.
    """
    drawn = min(AMONG - 1, others)
    return comb(below, drawn) / comb(others, drawn)


def expected_rows(protocol: Protocol, codec: bool, recordings: bool) -> int:
    """How many rows a table of one system has, for a progress bar."""
    anchors = sum(bool(item.truth) for item in protocol.items) * (2 if codec else 1)
    spoken = sum(2 if item.continuation else 1 for item in protocol.items)
    return spoken + (anchors if recordings else 0)


def _phones(text: str) -> int:
    return sum(phone not in BOUNDARIES for phone in phonemize(text))


def _broken(item: Item, version: str, error: Exception) -> Row:
    return {"id": item.id, "target": item.target, "group": item.group,
            "speaker": item.speaker[:12], "version": version, "text": item.text,
            "error": " ".join(str(error).split())}
