"""A short `make soak`: whatever a training goes through, it ends as one that was left alone."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Corpus

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_training_survives_kills_signals_full_disks_and_bad_losses(corpus: Corpus) -> None:
    attacks = ("--kills=5", "--signals=1", "--faults=1", "--injections=4", "--steps=6")
    done = subprocess.run(
        [sys.executable, "-B", "tests/soak.py", f"--data={corpus.prepared}", *attacks], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=600,
        check=False)
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == [
        "5 kills", "1 SIGTERMs", "1 full disks", "4 losses that are not finite or enormous"]
