"""Signs of life: on a terminal and in a log file, and totals that were a guess."""
from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from valle.features import progress as module
from valle.features.progress import advance, progress

ROOT = Path(__file__).parents[1]
COUNT = """
from valle.features.progress import progress
for _ in progress(range(3), desc="counting", unit="clips", brief={brief}):
    pass
"""


def test_a_log_gets_whole_lines_with_total_and_time_left(
        capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress(range(3), desc="counting", unit="clips"):
        pass
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("counting: 0 of 3 clips, 0 %")
    assert last.startswith("counting: 3 of 3 clips, 100 %") and last.endswith("left")


def test_what_is_soon_done_leaves_a_log_empty(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ({"brief": True}, {"silent": True}):
        for _ in progress(range(3), desc="counting", unit="clips", **kind):
            pass
    assert capsys.readouterr().err == ""


def test_what_lasts_is_told_of_in_a_log(monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.01)
    with progress(total=3, desc="speaking", unit="steps", brief=True) as bar:
        for _ in range(3):
            time.sleep(0.02)
            advance(bar, 1)
    assert "speaking: 3 of 3 steps, 100 %" in capsys.readouterr().err


def test_a_guessed_total_grows(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(total=10, desc="speaking", unit="steps") as bar:
        for _ in range(4):
            advance(bar, 4)
            assert bar.n <= bar.total
    assert bar.n == 16
    capsys.readouterr()


@pytest.mark.parametrize("brief", [False, True])
def test_a_terminal_sees_a_bar(brief: bool) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.run([sys.executable, "-c", COUNT.format(brief=brief)], cwd=ROOT,
                          stderr=theirs, check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0 and "counting" in shown and "|" in shown and "\r" in shown
    assert "3/3" in shown or brief
