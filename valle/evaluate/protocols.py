"""Protocols: what to speak in whose voice, fixed in a file that any system can be held to.

The first line of a file states the protocol, every other one an item. Paths are relative to the
folder of the corpora, so that a file serves wherever they lie. Prompts are cut at a word end that
the file gives: every system hears the same sound with the same transcript.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codec.audio import SAMPLE_RATE, Samples, load_audio
from valle.data.loading import LONGEST_SECONDS

VERSION = 3


@dataclass(frozen=True)
class Item:
    """A voice and a text to speak in it.

    Attributes:
        id: unique in the protocol; names the item's files.
        target: what is repeated with other prompts or seeds; items of one target count as one
            when intervals are drawn.
        prompt: recordings of the voice, heard one after another.
        prompt_end: seconds of them that are heard; 0 is all.
        truth: the speaker's own recording of the text; "" where there is none.
        truth_start: seconds at which the text begins in it (of a continuation).
    """

    id: str
    target: str
    group: str
    speaker: str
    prompt: tuple[str, ...]
    prompt_text: str
    text: str
    prompt_end: float = 0.0
    truth: str = ""
    truth_start: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt", tuple(self.prompt))

    @property
    def continuation(self) -> bool:
        """The prompt is the beginning of the utterance itself."""
        return self.truth_start > 0


@dataclass(frozen=True)
class Protocol:
    """Items and where their recordings lie.

    Attributes:
        rule: of valle.evaluate.rules.RULES, or the file of a list made elsewhere.
        distractors: texts that a closed-vocabulary listener knows besides those of the items.
        root: folder that the items' paths start from.
    """

    name: str
    rule: str
    items: tuple[Item, ...]
    distractors: tuple[str, ...] = ()
    root: Path = field(default=Path(), compare=False)

    @property
    def identity(self) -> str:
        """Eight hex digits over everything that decides a result."""
        content = json.dumps([self.rule, self.distractors,
                              [dataclasses.asdict(item) for item in self.items]])
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    @property
    def texts(self) -> list[str]:
        """All texts of the items, those of the prompts included."""
        return list(dict.fromkeys(t for i in self.items for t in (i.text, i.prompt_text)))

    def prompt(self, item: Item) -> Samples:
        """The prompt's sound [N] at 24 kHz, as the item cuts it."""
        return read(self.root, item.prompt, end=item.prompt_end)

    def truth(self, item: Item) -> Samples | None:
        """The recording of the text [N] at 24 kHz; None where there is none."""
        return read(self.root, [item.truth], item.truth_start) if item.truth else None


def read(root: Path, paths: Sequence[str], start: float = 0.0, end: float = 0.0) -> Samples:
    """Recordings [N] at 24 kHz one after another, between two times in seconds; end 0 is all.

    Raises:
        FileNotFoundError, ValueError: a recording is missing or cannot be read.
    """
    samples = np.concatenate([load_audio(root / p, max_seconds=LONGEST_SECONDS) for p in paths])
    last = round(end * SAMPLE_RATE) if end else len(samples)
    return samples[round(start * SAMPLE_RATE): last]
