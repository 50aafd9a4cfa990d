"""`valle doctor`: a sound model is well, and every illness is named in a line of its own."""
from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from valle.cli import run


def fill(file: Path, value: float) -> None:
    """One number of one tensor in a file of weights becomes this."""
    tensors = load_file(file)
    name = max((n for n, t in tensors.items() if t.is_floating_point()),
               key=lambda n: tensors[n].numel())
    tensors[name].view(-1)[0] = value
    save_file(tensors, file)


ILLNESSES: dict[str, tuple[Callable[[Path], None], str]] = {
    **{f"NaN in the {part}": (lambda f, part=part: fill(f / f"{part}.safetensors", torch.nan),
                              f"{part}.safetensors is damaged")
       for part in ("codec", "ar", "nar", "aligner")},
    "infinity": (lambda f: fill(f / "ar.safetensors", torch.inf), "ar.safetensors is damaged"),
    "half a file": (lambda f: (f / "nar.safetensors").write_bytes(
        (f / "nar.safetensors").read_bytes()[:5000]), "nar.safetensors is damaged"),
    "no record": (lambda f: (f / "model.json").unlink(), "not a whole model folder"),
    "no weights": (lambda f: [p.unlink() for p in f.glob("*.safetensors")], "no weights in"),
}


@pytest.mark.slow
def test_a_sound_model_is_well(model_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", ["--model", str(model_folder)], "valle doctor") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok    ") for line in lines) and "s of speech" in lines[-1]


@pytest.mark.parametrize("illness", ILLNESSES)
def test_an_illness_is_named(illness: str, model_folder: Path, tmp_path: Path,
                             capsys: pytest.CaptureFixture[str]) -> None:
    harm, said = ILLNESSES[illness]
    shutil.copytree(model_folder, tmp_path / "model")
    harm(tmp_path / "model")
    assert run("doctor", ["--model", str(tmp_path / "model")], "valle doctor") == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert failed and any(said in line for line in failed), failed
