"""`valle evaluate parts`: the lines of the table, going on, and what is scored."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import PROMPT_TEXT, RATE, SENTENCES, needs, vowel

from g2p import phonemize
from valle import cli
from valle.data.manifest import Utterance
from valle.evaluate.choice import in_turn, of_each_corpus, with_prompts, with_words
from valle.evaluate.panel import Judge, Memory, Panel
from valle.evaluate.parts import (
    FILLED,
    Parts,
    evaluate_parts,
    of_protocol,
    parts_table,
    settings_of,
)
from valle.evaluate.protocol_files import write_protocol
from valle.evaluate.protocols import Item, Protocol
from valle.synthesis.options import SamplingOptions
from valle.tts import VALLE

pytestmark = pytest.mark.filterwarnings("ignore:the prompt text does not fit")  # hums
TEXT = "The sea was calm, and the boats came home."


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """Three hummed passages; the recording of one is not there, a fourth has none."""
    root, items = tmp_path_factory.mktemp("hums"), []
    for speaker, pitch in (("anna", 200.0), ("ben", 110.0), ("carl", 140.0)):
        for name, text in (("prompt", PROMPT_TEXT), ("truth", TEXT)):
            soundfile.write(root / f"{speaker}-{name}.wav", vowel(phonemize(text), pitch)[0], RATE)
        items.append(Item(speaker, speaker, "hums", speaker, (f"{speaker}-prompt.wav",),
                          PROMPT_TEXT, TEXT, truth=f"{speaker}-truth.wav"))
    (root / "carl-truth.wav").unlink()
    items.append(dataclasses.replace(items[0], id="dora", truth=""))
    return Protocol("hums", "cross", tuple(items), (), root)


def panel(path: Path, heard: list[str]) -> tuple[Panel, list[int]]:
    """Judges whose answers are known, and how often the listener was asked."""
    calls: list[int] = []

    def hear(samples: np.ndarray, sample_rate: int) -> list[str]:
        calls.append(len(samples))
        return heard

    def voice(samples: np.ndarray, sample_rate: int) -> np.ndarray:
        return np.array([1.0, len(samples) % 7], np.float32)

    return Panel(Memory(path / "judged.jsonl"), [Judge("w", "1", lambda: hear)],
                 [Judge("e", "1", lambda: voice)],
                 [Judge("distillmos", "1", lambda: lambda *_: 3.0),
                  Judge("ovrl", "1", lambda: lambda *_: 2.0)]), calls


@pytest.fixture
def spoken_by(model_folder: Path) -> Parts:
    return Parts.of(VALLE.from_pretrained(model_folder),
                    SamplingOptions(top_k=5, retries=0), [1, 2, 99], 1)


@needs("jiwer")
def test_one_table_from_ground_truth_to_synthesis(protocol: Protocol, spoken_by: Parts,
                                                  tmp_path: Path):
    every = spoken_by.tts.model.codec.n_codebooks
    assert list(spoken_by.codebooks) == [every, 2, 1]
    assert spoken_by.names == ["ground truth", f"{every} codebooks", "2 codebooks", "1 codebook",
                           f"{every} codebooks, in the prompt's voice",
                           "2 codebooks, in the prompt's voice",
                           "1 codebook, in the prompt's voice",
                           FILLED, "synthesis"]
    passages = of_protocol(protocol, 9)
    assert [p.id for p in passages] == ["anna", "ben", "carl"], "one has no recording"
    judges, calls = panel(tmp_path, TEXT.lower().replace(",", "").rstrip(".").split()[:5])
    settings = settings_of(spoken_by, "weights")
    rows = evaluate_parts(spoken_by, passages, judges, tmp_path / "parts.jsonl", settings)
    assert [row["part"] for row in rows[:9]] == spoken_by.names and len(rows) == 19
    assert rows[0]["wer"] == {"w": round(4 / 9, 4)} and rows[0]["distillmos"] == 3
    assert "carl-truth.wav" in rows[-1]["error"] and rows[-1]["id"] == "carl"
    assert len({json.dumps(row["seconds"]) for row in rows[:8]}) <= 2, "copies are as long"
    table = parts_table(rows)
    header, _, first, *others = [[c.strip() for c in line.strip("|").split("|")]
                                 for line in table.splitlines() if line.startswith("|")]
    assert header == ["part", "WER w", "more than ground truth", "DistillMOS", "OVRL", "SIM-o e",
                      "passages"]
    assert first[0] == "ground truth" and first[1].startswith("0.444 (") and first[-1] == "2"
    assert [line[0] for line in others] == spoken_by.names[1:]
    assert others[0][2] == "0.000 (0.000 to 0.000)" and "- not scored: carl: " in table

    asked, kept = len(calls), (tmp_path / "parts.jsonl").read_text()
    again = evaluate_parts(spoken_by, passages, panel(tmp_path, ["never", "asked"])[0],
                           tmp_path / "parts.jsonl", settings)
    assert again[:18] == rows[:18] and (tmp_path / "parts.jsonl").read_text() == kept
    assert len(calls) == asked
    cut = "".join(kept.splitlines(keepends=True)[:12]) + '{"cut by a ki'
    (tmp_path / "parts.jsonl").write_text(cut)
    assert evaluate_parts(spoken_by, passages, judges, tmp_path / "parts.jsonl", settings) == rows
    other = evaluate_parts(spoken_by, passages[:1], judges, tmp_path / "parts.jsonl",
                           settings | {"seed": 2})
    assert len(other) == 9 and other[0]["key"] != rows[0]["key"]


def test_what_is_filled_stands_on_the_first_book_of_the_recording(protocol: Protocol,
                                                                  spoken_by: Parts):
    first, second = of_protocol(protocol, 9)[:2]
    sounds = dict(spoken_by.sounds(first))
    filled, copy = sounds[FILLED](), sounds["1 codebook, in the prompt's voice"]()
    assert len(filled) == len(copy) and (filled == sounds[FILLED]()).all()
    assert (filled != copy).any(), "the NAR's codebooks are in it"
    other = dict(spoken_by.sounds(dataclasses.replace(first, truth=second.truth)))[FILLED]()
    assert len(other) != len(filled) or (other != filled).any()
    plain, told = sounds["2 codebooks"](), sounds["2 codebooks, in the prompt's voice"]()
    assert len(plain) == len(told)


def utterance(name: str, speaker: str, text: str | None = "a word", seconds: float = 3.0,
              ) -> Utterance:
    return Utterance(name, f"{name}.wav", speaker, "en-us", text, None, seconds, 0, seconds, 10)


def test_choices_are_seeded_and_spread():
    many = [utterance(f"{s}{n}", s) for s in "abc" for n in range(4)]
    pairs = with_prompts(many, 6, 0)
    assert len(pairs) <= 6 and pairs == with_prompts(list(reversed(many)), 6, 0)
    assert all(a.speaker == b.speaker and a.id != b.id for a, b in pairs)
    assert {a.speaker for a, _ in pairs} == set("abc")
    with pytest.raises(ValueError, match="no speaker has two"):
        with_prompts([utterance("a", "a"), utterance("b", "b")], 3, 0)
    assert {u.speaker for u in in_turn(many, 3, 0)} == set("abc")
    assert in_turn(many, 5, 1) == in_turn(many, 5, 1) != in_turn(many, 5, 2)
    some = [utterance("x", "x", None), utterance("y", "y", "..."), utterance("z", "z", seconds=99)]
    assert with_words(some) == some[2:] and with_words(some, (1, 9)) == []
    with pytest.raises(ValueError, match="no clips with text"):
        of_each_corpus([], 3, 0)


def test_mistakes_are_one_line_before_anything_is_loaded(protocol: Protocol, tmp_path: Path,
                                                         capsys: pytest.CaptureFixture[str]):
    write_protocol(tmp_path / "p.jsonl", protocol)
    write_protocol(tmp_path / "none.jsonl", dataclasses.replace(protocol, items=protocol.items[3:]))
    for given, message in (
            (["--protocol", str(tmp_path / "p.jsonl")], "--protocol needs --data"),
            (["--protocol", str(tmp_path / "none.jsonl"), "--data", str(protocol.root)],
             "has no recordings of its texts"),
            (["--prepared", str(tmp_path)], "is not a prepared folder"),
            (["--protocol", str(tmp_path / "p.jsonl"), "--data", str(protocol.root),
              "--recognizer", "whisper:/none/at/all"], "no folder /none/at/all")):
        assert cli.run("evaluate", ["parts", *given, "--out", str(tmp_path / "o")],
                       "valle evaluate") == 1
        shown = capsys.readouterr().err
        assert message in shown and len(shown.splitlines()) == 1, shown
    assert SENTENCES and not (tmp_path / "o" / "parts.jsonl").exists()
