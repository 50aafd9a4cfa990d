"""docs/reference.py: names in docstrings lead somewhere, and the pages can be made."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from references import Places, broken, is_known, places  # noqa: E402


def test_no_docstring_refers_to_what_is_not_there() -> None:
    assert broken() == []


@pytest.fixture(scope="module")
def everything() -> Places:
    """All that a docstring may refer to."""
    return places()


@pytest.mark.parametrize("reference, known", [
    ("valle.data.lock.locked", True), ("lock.locked", True), ("Aligner", True),
    ("Aligner.score", True), ("SamplingOptions.top_p", True), ("speak", True), ("top_p", True),
    ("infer.py", True), ("valle.data.lock.opened", False), ("valle.data.nothing", False),
    ("lock.opened", False), ("Aligner.sing", False), ("SamplingChoices", False)])
def test_a_reference_is_known_or_not(reference: str, known: bool, everything: Places) -> None:
    assert is_known(reference, everything) is known


@pytest.mark.slow
@needs("pdoc")
def test_the_pages_are_made(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "docs/reference.py", str(tmp_path / "pages")], cwd=ROOT,
                          capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "pages" / "valle" / "tts.html").read_text(encoding="utf-8")
    assert "Zero-shot speech synthesis." in page and "encode_prompt" in page
