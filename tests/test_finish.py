"""What is spoken says that it is synthetic, whichever way it leaves."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import RATE

from codec.audio import WRITTEN
from valle.synthesis.finish import SYNTHETIC
from valle.synthesis.result import Audio
from valle.version import __version__


@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_saved_file_says_that_it_is_synthetic_and_by_what(suffix: str, tmp_path: Path) -> None:
    tone = 0.1 * np.sin(np.arange(RATE) * 0.05).astype(np.float32)
    audio = Audio(tone, RATE, "eos", settings={"text": "a", "seed": 0, "model": "/home/me/mine"})
    audio.save(tmp_path / f"o{suffix}")
    with soundfile.SoundFile(tmp_path / f"o{suffix}") as file:
        assert file.comment == SYNTHETIC and file.artist == f"valle {__version__}, model mine"
        assert file.date.startswith("20") and file.title == "Synthetic speech"
        assert abs(len(file.read()) - RATE) < 3000
