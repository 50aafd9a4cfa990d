"""A word before short segments, which is spoken with them and cut off again.

A model that learned from sentences is unclear where nothing stands before a word: of fifteen texts
such as "Stop.", "No no no." and "Hello." Whisper base heard nine as written, and fourteen of them
behind another word (recipes/starter/LOG.md). The timings of the interleaved layout say where to
cut.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from codec.audio import Samples
from codec.spec import CodecSpec
from g2p import phonemize
from valle.synthesis.decode import Generated

SHORT = 25      # phones, of words that take two seconds
WORD = "Listen."
KEPT = 0.053    # seconds of the pause behind the word, over which the sound is faded in


@cache
def lead(language: str) -> tuple[str, ...]:
    """Phones of the word; none where its language has no such word."""
    return tuple(phonemize(WORD, language)) if language.startswith("en") else ()


def with_lead(phones: Sequence[str], before: Sequence[str]) -> list[str]:
    """Phones of a short segment behind the word; of a longer one as they are."""
    return [*before, *phones[1:]] if before and len(phones) < SHORT else list(phones)


def without_lead(generated: Generated, samples: Samples, before: int, spec: CodecSpec,
                 ) -> tuple[Generated, Samples]:
    """What was generated, and its sound [N], without the first `before` phones; spec: its codec's.

    Of the pause behind them a little stays. What was stopped within them is returned whole.
    """
    if not before or generated.durations is None or len(generated.durations) <= before:
        return generated, samples
    pause = generated.durations[before]
    kept = min(pause, spec.frames(KEPT))
    cut = sum(generated.durations[:before]) + pause - kept
    spoken = samples[cut * spec.hop:].copy()
    fade = min(len(spoken), kept * spec.hop)
    spoken[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    return replace(generated, codes=generated.codes[cut:],
                   durations=(kept, *generated.durations[before + 1:])), spoken
