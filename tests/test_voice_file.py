"""Voices that are kept: the file gives back what went in, and nothing damaged is taken."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PROMPT_TEXT
from safetensors import safe_open
from safetensors.torch import save_file

from valle.synthesis.quality import Fault, Quality
from valle.synthesis.voice_file import HEADER, Voice
from valle.tts import VALLE

QUALITY = Quality(3.2, 2.9, -23.0, 31.5, 0.004, 12, 11_900.0, 50.0, -21.5, 0.0, 0.3, 0.8,
                  (Fault("hum", "mains hum", "another cable"),))
CONSENT = "I, the fox, agree that this server speaks in my voice. Grüße!"


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return VALLE.from_pretrained(model_folder, device="cpu")


@pytest.fixture(scope="module")
def voice(tts: VALLE, prompt: Path) -> Voice:
    return Voice.of("fox", tts.encode_prompt(prompt, PROMPT_TEXT), tts.model.codec.identity,
                    "en-us", CONSENT, (QUALITY,))


def test_a_kept_voice_speaks_as_before(tts: VALLE, voice: Voice, tmp_path: Path) -> None:
    voice.save(tmp_path / "fox.safetensors")
    again = Voice.load(tmp_path / "fox.safetensors")
    assert replace(again, prompt=voice.prompt) == voice and again.quality == (QUALITY,)
    assert again.prompt.piece == voice.prompt.piece and again.prompt.piece.text == PROMPT_TEXT
    sampling = replace(tts.sampling, retries=0)
    heard, expected = (next(tts.stream("Come in!", prompt=one.prompt, sampling=sampling)).samples
                       for one in (again, voice))
    assert np.array_equal(heard, expected)
    assert (tmp_path / "fox.safetensors").stat().st_size < 20_000


def test_a_file_of_the_first_format_is_read(voice: Voice, tmp_path: Path) -> None:
    path = tmp_path / "fox.safetensors"
    voice.save(path)
    with safe_open(path, "pt") as file:
        record = json.loads(file.metadata()[HEADER])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    first = {key: value for key, value in record.items() if key not in ("piece", "quality")}
    save_file(tensors, path, {HEADER: json.dumps(first | {"format": 1})})
    assert Voice.load(path).quality == () and Voice.load(path).prompt.text == PROMPT_TEXT


def test_a_voice_without_consent_is_not_made(voice: Voice) -> None:
    with pytest.raises(ValueError, match="consent of its owner"):
        Voice.of("fox", voice.prompt, voice.codec, "en-us", " \n")


@pytest.mark.parametrize("change", [
    {"format": 3}, {"consent": "anything"}, {"phones": []}, {"phones": "abc"}, {"name": None},
    {"more": 1}, {"quality": [{"seconds": 1.0}]}, {"quality": 3}, {"piece": {"start": 0.0}},
    {"ltas_seconds": "NaN"}])
def test_a_changed_header_is_refused(change: dict[str, object], voice: Voice, tmp_path: Path,
                                     ) -> None:
    path = tmp_path / "fox.safetensors"
    voice.save(path)
    with safe_open(path, "pt") as file:
        record = json.loads(file.metadata()[HEADER])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, {HEADER: json.dumps(record | change)})
    with pytest.raises(ValueError, match="make it again"):
        Voice.load(path)


@pytest.mark.parametrize("change", [
    {"codes": torch.zeros(0, 0)}, {"codes": torch.full((3, 5), -1)}, {"ltas": torch.zeros(3)},
    {"ltas": torch.full((40,), torch.nan)}, {"durations": torch.zeros(2, dtype=torch.int32)}])
def test_changed_tensors_are_refused(change: dict[str, torch.Tensor], voice: Voice, tmp_path: Path,
                                     ) -> None:
    path = tmp_path / "fox.safetensors"
    voice.save(path)
    with safe_open(path, "pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors | change, path, header)
    with pytest.raises(ValueError, match="make it again"):
        Voice.load(path)


@pytest.mark.parametrize("content", [b"", b"RIFF" * 100, b"\xff" * 64, b"{}", None])
def test_what_is_no_voice_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    if content is None:
        save_file({"codes": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="make it again"):
        Voice.load(path)
    with pytest.raises(FileNotFoundError):
        Voice.load(tmp_path / "absent")
