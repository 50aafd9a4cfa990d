"""A voice on a protocol: speaking, judging, failures, report, page, comparison."""
from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import PROMPT_TEXT, RATE, SENTENCES, file_limit, needs, noise_codec, vowel

from codec.audio import Samples
from g2p import phonemize
from valle import cli
from valle.evaluate.compare import compare
from valle.evaluate.page import mark, page
from valle.evaluate.panel import Judge, Memory, Panel, files_digest
from valle.evaluate.protocol_files import write_protocol
from valle.evaluate.protocols import Item, Protocol
from valle.evaluate.report import Report, plot
from valle.evaluate.speaking import VALLESystem, read_spoken, speak_items
from valle.evaluate.voice import RESYNTHESIS, TRUTH, Scorer, chance_first, expected_rows
from valle.features.text import words
from valle.synthesis.hearing import scorer_folder
from valle.synthesis.options import SamplingOptions
from valle.tts import VALLE, Audio

PITCHES = {"anna": 200.0, "ben": 110.0, "carl": 140.0}
TEXT = "The sea was calm, and the boats came home."


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """Three speakers, each with a prompt and a recording of one text; two prompts for the first."""
    root, items = tmp_path_factory.mktemp("recordings"), []
    for speaker, pitch in PITCHES.items():
        for name, text in (("prompt", PROMPT_TEXT), ("truth", TEXT)):
            soundfile.write(root / f"{speaker}-{name}.wav", vowel(phonemize(text), pitch)[0], RATE)
        for number in range(2 if speaker == "anna" else 1):
            items.append(Item(f"{speaker}-{number}", speaker, "hums", speaker,
                              (f"{speaker}-prompt.wav",), PROMPT_TEXT, TEXT,
                              truth=f"{speaker}-truth.wav"))
    return Protocol("hums", "cross", tuple(items), (), root)


class Recorded:
    """A perfect system: it plays the recording of the text; one item it cannot speak."""

    def __init__(self, protocol: Protocol, fails: str = "", **settings: object) -> None:
        self.protocol, self.fails, self.settings, self.calls = protocol, fails, settings, 0

    def __call__(self, item: Item, prompt: Samples, seed: int) -> Audio:
        self.calls += 1
        if item.id == self.fails:
            raise ValueError("a text that cannot\nbe spoken")
        truth = self.protocol.truth(item)
        assert truth is not None and len(prompt)
        return Audio(truth, RATE, "eos")


def spectrum(samples: Samples, sample_rate: int) -> np.ndarray:
    """An encoder of hums, whose harmonics say who hums."""
    bands = np.abs(np.fft.rfft(samples[: RATE * 2], RATE * 2))[160:1200].astype(np.float32)
    return bands / max(1e-9, float(np.linalg.norm(bands)))


def panel(path: Path, heard: str = TEXT, calls: list[str] | None = None) -> Panel:
    """Judges whose answers are known; `calls` counts them."""
    def asked(name: str, answer: Callable[..., object]) -> Judge:
        def judge(samples: Samples, sample_rate: int) -> object:
            if calls is not None:
                calls.append(name)
            return answer(samples, sample_rate)

        return Judge(name, "test", lambda: judge)

    return Panel(Memory(path), [asked("closed", lambda *_: words(heard))],
                 [asked("spectrum", spectrum)], [asked("ovrl", lambda *_: 3.0)])


# judges

def test_judges_are_asked_once_for_each_clip(tmp_path: Path):
    calls: list[str] = []
    clip, other = np.ones(9_000, np.float32), np.zeros(9_000, np.float32)
    first = panel(tmp_path / "m.jsonl", "a b", calls)
    assert first.hear(clip, RATE) == {"closed": ["a", "b"]} == first.hear(clip, RATE)
    assert first.embed(clip, RATE)["spectrum"].shape == (1040,)
    assert first.rate(clip, RATE) == {"ovrl": 3}
    assert calls == ["closed", "spectrum", "ovrl"]
    first.hear(other, RATE)
    first.hear(clip, 16_000)
    assert calls[3:] == ["closed", "closed"], "another clip, another rate"
    with (tmp_path / "m.jsonl").open("a") as file:
        file.write('{"clip": "cut by a ki')
    again = panel(tmp_path / "m.jsonl", "never asked", calls)
    assert again.hear(clip, RATE) == {"closed": ["a", "b"]} and len(calls) == 5
    assert all(json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines())
    first.hear(np.zeros(0, np.float32), RATE)
    assert len(calls) == 6, "nothing at all is judged too"


def test_a_judge_who_cannot_be_had_is_left_out_once(tmp_path: Path):
    tries: list[int] = []

    def load() -> Callable[..., object]:
        tries.append(1)
        raise OSError("no network:\n try later")

    both = panel(tmp_path / "m.jsonl")
    both.listeners.insert(0, Judge("hubert-large", "published", load))
    for _ in range(2):
        assert list(both.hear(np.ones(9_000, np.float32), RATE)) == ["closed"]
    assert both.missing == {"hubert-large": "no network: try later"} and tries == [1]


def test_a_trained_judge_is_another_one_after_training(tmp_path: Path):
    (tmp_path / "model.json").write_text("{}")
    (tmp_path / "speaker.safetensors").write_bytes(b"one")
    first = files_digest(str(tmp_path))
    (tmp_path / "speaker.safetensors").write_bytes(b"two")
    assert files_digest(str(tmp_path)) != first
    assert files_digest("pocketsphinx") == "published"


# rows

def test_items_are_spoken_once_and_again_when_something_changed(protocol: Protocol, tmp_path: Path):
    system = Recorded(protocol, model="a")
    assert speak_items(protocol, system, tmp_path) == {} and system.calls == 4
    assert speak_items(protocol, system, tmp_path) == {} and system.calls == 4
    (tmp_path / "ben-0.wav").unlink()
    speak_items(protocol, system, tmp_path)
    assert system.calls == 5
    speak_items(protocol, system, tmp_path, seed=1)
    assert system.calls == 9
    other = Recorded(protocol, model="b", fails="carl-0")
    assert speak_items(protocol, other, tmp_path, seed=1) == {
        "carl-0": "a text that cannot be spoken"}
    assert other.calls == 4 and not (tmp_path / "carl-0.wav").exists(), "no stale audio is scored"
    (tmp_path / "flac-0.flac").write_bytes((tmp_path / "anna-0.wav").read_bytes())
    assert len(read_spoken(tmp_path, Item("flac-0", "", "", "", (), "", ""))) > RATE


def test_rows_of_recordings_copies_and_speech(protocol: Protocol, tmp_path: Path):
    system = Recorded(protocol, fails="carl-0")
    problems = speak_items(protocol, system, tmp_path)
    soundfile.write(tmp_path / "ben-0.wav", np.zeros(0, np.float32), RATE)
    seen: list[int] = []
    scorer = Scorer(protocol, panel(tmp_path / "m.jsonl"), noise_codec(small=True), 2, seen.append)
    rows = scorer.recordings() + scorer.spoken("voice", tmp_path, problems)
    assert [r["version"] for r in rows] == [TRUTH, RESYNTHESIS] * 4 + ["voice"] * 4
    assert expected_rows(protocol, codec=True, recordings=True) == 12 and len(seen) == 10
    broken = {row["id"]: row["error"] for row in rows if "error" in row}
    assert set(broken) == {"ben-0", "carl-0"} and "cannot be spoken" in broken["carl-0"]
    recording, copy = rows[0], rows[1]
    assert recording["wer"] == {"closed": 0.0} and recording["failures"] == []
    assert recording["first"] == {"spectrum": 1.0}, "its own prompt is nearer than others'"
    assert recording["sim_o"]["spectrum"] > recording["other"]["spectrum"] + 0.2
    assert copy["sim_r"]["spectrum"] > copy["sim_o"]["spectrum"], "a copy is like a copy"
    voice = next(r for r in rows if r["version"] == "voice" and "error" not in r)
    assert voice["finish"] == "eos" and voice["sim_o"] == pytest.approx(recording["sim_o"], abs=.1)


def test_continuations_are_scored_alone_and_whole(protocol: Protocol, tmp_path: Path):
    item = Item("anna-c", "anna-c", "hums", "anna", ("anna-truth.wav",), "The sea was calm",
                "and the boats came home.", 0.9, "anna-truth.wav", 0.9)
    part = Protocol("c", "continuation", (item,), (), protocol.root)
    speak_items(part, Recorded(part), tmp_path)
    rows = Scorer(part, panel(tmp_path / "m.jsonl")).spoken("voice", tmp_path)
    assert [r["version"] for r in rows] == ["voice", "voice, with its prompt"]
    alone, whole = rows
    assert whole["seconds"] - alone["seconds"] == pytest.approx(0.9, abs=0.02)
    assert whole["text"] == "The sea was calm and the boats came home."
    assert whole["wer"]["closed"] == 0 < alone["wer"]["closed"]
    assert whole["sim_o"]["spectrum"] > alone["sim_o"]["spectrum"], "the prompt itself is in it"


def test_chance_to_be_nearest_of_ten():
    assert chance_first(9, 9) == 1 and chance_first(8, 9) == 0
    assert chance_first(3, 3) == 1 and chance_first(2, 3) == 0
    rng, others, below = np.random.default_rng(0), 20, 15
    drawn = [max(rng.permutation(others)[:9]) < below for _ in range(4000)]
    assert chance_first(below, others) == pytest.approx(np.mean(drawn), abs=0.02)


@pytest.mark.filterwarnings("ignore:the prompt text does not fit")  # a random model hums
def test_a_model_speaks_an_item_without_its_prompt(protocol: Protocol, model_folder: Path):
    system = VALLESystem(VALLE.from_pretrained(model_folder), SamplingOptions(top_k=5), 1)
    item = protocol.items[0]
    prompt = protocol.prompt(item)
    audio = system(item, prompt, 7)
    assert audio.seconds > 0.1 and (audio.samples == system(item, prompt, 7).samples).all()
    rest = Item("c", "c", "hums", "anna", item.prompt, PROMPT_TEXT, "The sea.", 0.0, item.truth,
                0.5)
    spoken = system(rest, prompt, 7)
    assert 0 < spoken.seconds < 2, "the prompt of a continuation is not part of the result"


# report

@pytest.fixture(scope="module")
def rows(protocol: Protocol, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("rows")
    problems = speak_items(protocol, Recorded(protocol, fails="carl-0"), folder)
    half = " ".join(TEXT.split()[:4])
    scorer = Scorer(protocol, panel(folder / "m.jsonl", half))
    return scorer.recordings() + scorer.spoken("voice", folder, problems)


def cells(text: str, heading: str) -> list[dict[str, str]]:
    """Rows of the table under a heading."""
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines()
             if line.startswith("|")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_report_has_words_voice_failures_and_what_is_missing(rows: list[dict]):
    text = Report("voice on hums", "Four items.", rows, ["hubert-large: no network"]).markdown()
    recording, voice = cells(text, "Words")
    header = next(line for line in text.splitlines() if line.startswith("| group"))
    assert [c.strip() for c in header.split("|")][1:4] == ["group", "what", "WERc"]
    assert (recording["what"], recording["items"]) == ("ground truth", "4")
    assert voice["items"] == "3" and voice["WERc"].startswith("0.556 (")
    assert voice["OVRL"] == "3.00 (3.00 to 3.00)"
    recording, voice = cells(text, "Voice")
    assert recording["gap closed"] == "-" and float(voice["gap closed"].rstrip("%")) > 80
    assert recording["nearest of ten"] == "100%"
    recording, voice = cells(text, "Failures")
    assert voice["deletion run"] == "3" and voice["any"] == "3 (100.0%)"
    assert "- hubert-large: no network" in text and "- voice, carl-0: a text that cannot" in text


def test_plots_and_page_hold_everything(rows: list[dict], protocol: Protocol, tmp_path: Path):
    pytest.importorskip("matplotlib")
    plots = plot(rows, tmp_path)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in plots)
    report = Report("voice <1> on hums", "Four items.", rows, [])
    hum = vowel(phonemize(SENTENCES[0]))[0]
    text = page(report, {("anna-0", "voice"): hum, ("anna-0", "prompt"): hum},
                {"anna-0": "A <prompt>."}, plots)
    assert "src=\"http" not in text and "<link" not in text, "one file, no network"
    assert "voice &lt;1&gt;" in text and "A &lt;prompt&gt;." in text
    audio = re.findall(r"data:audio/mpeg;base64,([^\"]+)", text)
    assert len(audio) == 2 and text.count("data:image/png") == 2
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(audio[0])))
    assert rate == RATE and len(samples) == pytest.approx(len(hum), abs=RATE // 5)
    assert text.count("<section>") == 1 and "deletion run</span>" in text


def test_mark_shows_every_error():
    shown = mark(["one", "two", "three", "four", "five"], ["one", "too", "four", "five", "six"])
    assert re.sub(r'<span class="(\w)\w*">(\w+)</span>', r"\1:\2", shown) in (
        "one s:too d:three four five i:six", "one d:two s:too four five i:six")
    assert mark(["<a>"], ["<a>"]) == "&lt;a&gt;"


def row(name: str, wer: float, **more: object) -> dict:
    return {"id": name, "target": name, "group": "g", "version": "voice", "text": "one two three",
            "words": 3, "wer": {"closed": wer}, "cer": {}, "sim_o": {"e": 0.5}, "ovrl": 3.0,
            "failures": [], **more}


def test_comparison_is_paired():
    rng = np.random.default_rng(0)
    a = [row(f"i{i}", x) for i, x in enumerate(rng.uniform(0, 1, 40))]
    b = [row(f"i{i}", r["wer"]["closed"] - 0.1 + rng.normal(0, .02), ovrl=3.1)
         for i, r in enumerate(a)]
    lines = [[c.strip() for c in line.strip("|").split("|")]
             for line in compare(a, b, ("old", "new")).splitlines()[2:] if line.startswith("|")]
    found = {line[1]: line for line in lines}
    assert found["WERc"][6] == "B"
    assert found["SIM-o e"][6] == "-" and found["OVRL"][6] == "B"
    mean, low, high = map(float, re.findall(r"-?\d\.\d+", found["WERc"][5]))
    assert mean == pytest.approx(-0.1, abs=0.01)
    assert high - low < 0.02, "far narrower than the spread of either"
    with pytest.raises(ValueError, match="no items in common"):
        compare(a, [row("other", 0)])
    with pytest.raises(ValueError, match="two texts"):
        compare(a, [row("i0", 0, text="else")])


# command line

@pytest.mark.slow
@needs("pocketsphinx", "jiwer", "speechmos", "onnxruntime", "matplotlib")
def test_the_command_reports_and_compares(protocol: Protocol, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]):
    write_protocol(tmp_path / "p.jsonl", protocol)
    speak_items(protocol, Recorded(protocol), tmp_path / "wavs")
    (tmp_path / "wavs" / "ben-0.wav").unlink()
    command = ["voice", "--recognizer", "closed", "--speaker", str(scorer_folder("ecapa")),
               "--protocol", str(tmp_path / "p.jsonl"), "--data", str(protocol.root), "--wavs",
               str(tmp_path / "wavs"), "--name", "other", "--out"]
    for out in ("a", "b"):
        assert cli.run("evaluate", [*command, str(tmp_path / out)], "valle evaluate") == 1
    assert "no ben-0.wav" in capsys.readouterr().out, "the missing item is in the report"
    for name in ("report.md", "rows.jsonl", "report.html"):
        first, second = ((tmp_path / out / name).read_bytes() for out in "ab")
        assert first == second, f"{name} differs on a second run"
    assert cli.run("compare", [str(tmp_path / "a"), str(tmp_path / "b"), "--version-a", "other",
                               "--version-b", "ground truth"], "valle compare") == 0
    assert "Items in common: 3" in capsys.readouterr().out
    assert cli.run("compare", [str(tmp_path / "a"), str(tmp_path / "b")], "valle compare") == 1
    assert "no rows of 'synthesis'; it has ground truth, other" in capsys.readouterr().err
    assert cli.run("compare", [str(tmp_path), str(tmp_path)], "valle compare") == 1
    assert "run `valle evaluate voice" in capsys.readouterr().err

    older = tmp_path / "older"
    given = [c if c != "other" else "synthesis" for c in command]
    assert cli.run("evaluate", [*given, str(older)], "valle evaluate") == 1
    shutil.copytree(tmp_path / "wavs", older / "wav")
    assert cli.run("evaluate", [*command, str(tmp_path / "new"), "--beside", str(older)],
                   "valle evaluate") == 1
    table = cells((tmp_path / "new" / "report.md").read_text(), "Words")
    assert {row["what"] for row in table} >= {"ground truth", "older", "other"}
    assert "<span>older</span><span><audio" in (tmp_path / "new" / "report.html").read_text()
    write_protocol(tmp_path / "p.jsonl", dataclasses.replace(protocol, items=tuple(
        dataclasses.replace(item, text="Something else.") for item in protocol.items)))
    capsys.readouterr()
    assert cli.run("evaluate", [*command, str(tmp_path / "new"), "--beside", str(older)],
                   "valle evaluate") == 1
    assert "results of another protocol" in capsys.readouterr().err


def test_missing_folders_and_packages_are_one_line(protocol: Protocol, tmp_path: Path,
                                                   capsys: pytest.CaptureFixture[str],
                                                   monkeypatch: pytest.MonkeyPatch):
    write_protocol(tmp_path / "p.jsonl", protocol)
    command = ["voice", "--protocol", str(tmp_path / "p.jsonl"), "--out", str(tmp_path / "o")]
    for given, message in ((["--data", str(tmp_path / "none")], "--data must be the folder"),
                           (["--data", str(tmp_path), "--wavs", str(tmp_path / "none")],
                            "--wavs must hold ID.wav")):
        assert cli.run("evaluate", [*command, *given], "valle evaluate") == 1
        shown = capsys.readouterr().err
        assert message in shown and len(shown.splitlines()) == 1
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    (tmp_path / "wavs").mkdir()
    assert cli.run("evaluate", [*command, "--data", str(tmp_path), "--recognizer", "closed"],
                   "valle evaluate") == 1
    shown = capsys.readouterr().err
    assert "pip install 'valle[evaluate]'" in shown and len(shown.splitlines()) == 1
    assert not (tmp_path / "o" / "wav").exists(), "found out before anything is spoken"


def test_wrong_names_of_judges_are_found_before_anything_is_spoken(
        protocol: Protocol, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_protocol(tmp_path / "p.jsonl", protocol)
    for option, message in (("--recognizer", "no recogniser 'nobody'"),
                            ("--speaker", "no speaker encoder 'nobody'")):
        assert cli.run("evaluate", ["voice", "--protocol", str(tmp_path / "p.jsonl"), "--data",
                                    str(protocol.root), "--out", str(tmp_path / "o"), option,
                                    "nobody"], "valle evaluate") == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "o" / "wav").exists()


def test_a_full_disk_is_no_missing_judge(tmp_path: Path):
    with file_limit(200), pytest.raises(OSError):
        both = panel(tmp_path / "m.jsonl", "many words " * 40)
        both.hear(np.ones(9_000, np.float32), RATE)
    assert both.missing == {}
