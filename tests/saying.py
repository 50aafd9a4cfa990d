"""What the tests of `say` share: the command with good arguments, and a look at what it left."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from conftest import PROMPT_TEXT

from valle.cli import run

ROOT = Path(__file__).parents[1]
Change = dict[str, str | None]


def arguments(model: Path, prompt: Path, out: Path, change: Change | None = None) -> list[str]:
    """Options of `say`; change replaces some by name, or leaves them out where it is None."""
    options: Change = {"text": "A small boat.", "prompt-audio": str(prompt),
                       "prompt-text": PROMPT_TEXT, "out": str(out), "model": str(model),
                       "device": "cpu"}
    return [f"--{k}={v}" for k, v in (options | (change or {})).items() if v is not None]


def process(*command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """A real process in the repository."""
    return subprocess.run([sys.executable, "-B", *command], cwd=ROOT, input=stdin, text=True,
                          capture_output=True, timeout=120, check=False)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def say(model: Path, prompt: Path, out: Path, *more: str, **change: str | None) -> int:
    changes = {name.replace("_", "-"): value for name, value in change.items()}
    return run("say", [*arguments(model, prompt, out, changes), *more], "infer.py")


def samples_of(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def one_line(printed: str) -> bool:
    return printed.count("\n") == 1 and printed.endswith("\n") and "Traceback" not in printed
