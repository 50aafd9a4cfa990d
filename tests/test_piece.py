"""Which piece of a long recording is taken, and with which words."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.damage import noise
from codec.audio import SAMPLE_RATE, load_audio
from valle import VALLE
from valle.synthesis.piece import Piece, best_piece

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
WORD = [" ", "a", "b"]
PHONES = [*WORD * 20, "."]
DURATIONS = [0, *[10, 30, 0] * 20]  # frames: words of a second at 40 a second
FRAMES, RATE = sum(DURATIONS), 40.0


def cut(fit: np.ndarray, longest: float = 8.0) -> tuple[float, float]:
    """Seconds at which the best piece begins and ends."""
    first, last = best_piece(fit, PHONES, DURATIONS, RATE, longest)
    ends = np.cumsum(DURATIONS)
    return ends[first] / RATE, ends[last] / RATE


def test_the_clearest_words_are_taken() -> None:
    fit = np.full(FRAMES, -2.0)
    fit[round(9 * RATE): round(14 * RATE)] = -0.5
    assert cut(fit) == (9, 14)
    fit[round(5 * RATE): round(17 * RATE)] = -0.5
    start, end = cut(fit)
    assert 5 <= start < end <= 17 and 7 <= end - start < 8, "more of the same is better"


def test_nothing_is_taken_that_is_too_long_or_too_short() -> None:
    fit = np.full(FRAMES, -2.0)
    fit[: round(1 * RATE)] = -0.1  # one clear second
    start, end = cut(fit)
    assert start == 0 and 3 <= end < 8
    assert cut(fit, longest=2.0) == (0, FRAMES / RATE), "no piece of three seconds: the whole"


@pytest.fixture(scope="module")
def tts() -> VALLE:
    return VALLE.from_pretrained("starter", "cpu")


def test_a_long_recording_gives_its_clean_part_with_its_words(tts: VALLE) -> None:
    names = ("alto", "tenor", "clara")
    texts = [(EXAMPLES / f"{name}.txt").read_text().strip() for name in names]
    waves = [load_audio(EXAMPLES / f"{name}.wav") for name in names]
    rng = np.random.default_rng(0)
    noisy = noise(noise(np.concatenate(waves[:2]), rng), rng)
    prompt = tts.encode_prompt((np.concatenate([noisy, waves[2]]), SAMPLE_RATE), " ".join(texts))
    piece, begin = prompt.piece, len(noisy) / SAMPLE_RATE
    assert piece is not None and piece.text in texts[2] and len(piece.text.split()) > 6
    assert begin - 0.3 < piece.start < piece.end < begin + len(waves[2]) / SAMPLE_RATE + 0.1
    assert prompt.durations is not None and sum(prompt.durations) == prompt.codes.shape[1]
    assert prompt.codes.shape[1] / tts.model.codec.frame_rate == pytest.approx(
        piece.end - piece.start, abs=0.05)
    assert len(prompt.phones) == len(prompt.durations) and prompt.phones[0] == " "
    assert prompt.text == " ".join(texts), "what was given, to make the same prompt again"
    assert any("it takes" in warning for warning in prompt.warnings)


def test_of_a_short_one_all_is_taken(tts: VALLE) -> None:
    text = (EXAMPLES / "alto.txt").read_text().strip()
    samples = np.concatenate([np.zeros(SAMPLE_RATE, "f4"), load_audio(EXAMPLES / "alto.wav")])
    piece = tts.encode_prompt((samples, SAMPLE_RATE), text).piece
    assert piece == Piece(pytest.approx(1.12, abs=0.06), pytest.approx(4.76, abs=0.2), text)
