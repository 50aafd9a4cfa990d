"""What the documents say is true: maps, links, commands, Python."""
from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from valle import VALLE, __version__, cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
VOICES = ("alto", "tenor", "bass")
UNMAPPED = ("g2p/english", "valle/commands", "valle/training/stages")  # each alike inside


def map_paths(document: str) -> set[str]:
    """The paths of its map; two spaces more are one folder deeper."""
    folders: list[str] = []
    found: set[str] = set()
    for line in document.split("## Map")[1].split("```")[1].strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split(", ")
        found |= {"".join(folders[:depth]) + name for name in names}
        folders = [*folders[:depth], next((name for name in names if name.endswith("/")), "")]
    return found


def test_every_path_of_the_maps_exists_and_no_module_is_missing() -> None:
    named, short = map_paths(ARCHITECTURE), map_paths(README)
    assert not [place for place in named | short if not (ROOT / place).exists()]
    modules = {file.relative_to(ROOT) for top in ("g2p", "codec", "valle")
               for file in (ROOT / top).rglob("*.py") if not file.name.startswith("__")}
    assert {str(m) for m in modules if str(m.parent) not in UNMAPPED} <= named
    assert {f"{folder}/" for folder in UNMAPPED} <= named
    assert {f"{m.parent}/" for m in modules if str(m.parent) not in UNMAPPED} <= short


def test_the_version_is_one_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"valle {__version__}\n"
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {__version__} " in (ROOT / "CHANGELOG.md").read_text()


DOCUMENTS = sorted(file for place in ("*.md", "docs/**/*.md", "recipes/**/*.md", "benchmarks/*.md")
                   for file in ROOT.glob(place))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        assert "://" in target or (document.parent / target).exists(), target


def test_the_model_card_begins_as_the_hub_expects() -> None:
    lines = (ROOT / "MODEL_CARD.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "---"
    header = dict(line.split(": ", 1) for line in lines[1: lines.index("---", 1)])
    assert {"language", "license", "library_name", "pipeline_tag", "tags", "datasets"} <= {*header}


@pytest.mark.slow
def test_every_make_target_and_command_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for command in set(re.findall(r"`valle (\w+)", README)):
        done = subprocess.run([sys.executable, "-m", "valle", command, "--help"], cwd=ROOT,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 5


@pytest.mark.slow
def test_the_shell_example_speaks(tmp_path: Path) -> None:
    line = next(x for x in README.splitlines() if x.startswith("valle say"))
    command = line.replace("valle say", f"{sys.executable} -m valle say").replace(
        "--out good_morning.wav", f"--out {tmp_path}/good_morning.wav")
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "good_morning.wav").stat().st_size > 20_000


@pytest.mark.slow
def test_the_python_example_speaks(tmp_path: Path) -> None:
    code = README.split("```python")[1].split("```")[0].replace("good_morning.wav",
                                                                 f"{tmp_path}/good_morning.wav")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "24000 eos" in done.stdout
    assert (tmp_path / "good_morning.json").is_file()


@pytest.mark.slow
def test_the_starter_notices_a_transcript_that_is_not_the_prompts() -> None:
    tts = VALLE.from_pretrained("starter")
    for said in VOICES:
        for claimed in VOICES:
            text = (ROOT / "examples" / f"{claimed}.txt").read_text()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                tts.encode_prompt(ROOT / "examples" / f"{said}.wav", text)
            noticed = [w for w in caught if "does not fit" in str(w.message)]
            assert bool(noticed) == (said != claimed), (said, claimed)
