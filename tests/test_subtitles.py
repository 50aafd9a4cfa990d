"""Word timings as SubRip, WebVTT, JSON and TextGrid, and what `say --subtitles` writes."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import needs
from saying import files, one_line, say

from valle.reading.subtitles_in import read as read_srt
from valle.synthesis.subtitles import as_json, clock, cues, srt, textgrid, vtt, write_subtitles

WORDS = [("The", 0.25, 0.4), ("sea", 0.4, 0.75), ("was", 0.75, 0.9), ("\"calm.\"", 0.9, 1.5),
         ("We", 1.6, 1.75), ("<went>", 1.75, 2.0), ("home", 3.0, 3.5)]


def test_cues_end_with_sentences_and_at_silence() -> None:
    assert cues(WORDS) == [("The sea was \"calm.\"", 0.25, 1.5), ("We <went>", 1.6, 2.0),
                           ("home", 3.0, 3.5)]


def test_cues_can_be_read() -> None:
    words = [("wonderful,", i * 0.4, i * 0.4 + 0.35) for i in range(100)]
    found = cues(words)
    assert " ".join(text for text, _, _ in found).split() == [word for word, _, _ in words]
    assert all(end - start <= 7 for _, start, end in found)
    blocks = [block.split("\n")[2:] for block in srt(words).strip().split("\n\n")]
    assert all(len(lines) <= 2 and max(map(len, lines)) <= 42 for lines in blocks)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_subtitles(tmp_path / "a.srt", "srt", WORDS, 4.0)
    book = read_srt(tmp_path / "a.srt")
    assert list(book.times) == [(start, end) for _, start, end in cues(WORDS)]
    assert book.chapters[0].paragraphs[0] == "The sea was \"calm.\""
    assert "&lt;went&gt;" in vtt(WORDS) and vtt(WORDS).startswith("WEBVTT\n\n00:00:00.250 --> ")
    assert json.loads(as_json(WORDS))[1] == {"word": "sea", "start_time": 0.4, "end_time": 0.75}
    assert clock(3661.0, ",") == "01:01:01,000" and clock(0.9996, ".") == "00:00:01.000"


@needs("parselmouth")
def test_praat_reads_the_textgrid(tmp_path: Path) -> None:
    import parselmouth
    from parselmouth.praat import call

    (tmp_path / "a.TextGrid").write_text(textgrid(WORDS, 4.0), encoding="utf-8")
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    labels = [call(grid, "Get label of interval", 1, n + 1)
              for n in range(call(grid, "Get number of intervals", 1))]
    assert [label for label in labels if label] == [word for word, _, _ in WORDS]
    assert call(grid, "Get end time of interval", 1, len(labels)) == 4.0


def test_say_writes_them_beside_the_sound(model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    text = "A small boat. [pause 300ms] **We** went home."
    assert say(model_folder, prompt, tmp_path / "o.wav", "--subtitles=json", "--retries=0",
               text=text) == 0
    assert files(tmp_path) == ["o.json", "o.wav", "o.words.json"]
    words = json.loads((tmp_path / "o.words.json").read_text())
    record = json.loads((tmp_path / "o.json").read_text())
    assert [word["word"] for word in words] == ["A", "small", "boat.", "We", "went", "home."]
    edges = [edge for word in words for edge in (word["start_time"], word["end_time"])]
    assert edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= record["seconds"]
    assert words[3]["start_time"] - words[2]["end_time"] > 0.2


def test_say_refuses_what_has_no_timings(
        model_folder: Path, plain_folder: Path, prompt: Path, tmp_path: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    for model, out, message in ((plain_folder, tmp_path / "o.wav", "plain layout"),
                                (model_folder, Path("-"), "stand beside a file")):
        assert say(model, prompt, out, "--subtitles=srt") == 1
        printed = capsys.readouterr().err
        assert one_line(printed) and re.search(message, printed)
    (tmp_path / "o.srt").write_text("A small boat.")
    assert say(model_folder, prompt, tmp_path / "o.wav", "--subtitles=srt", text=None,
               text_file=str(tmp_path / "o.srt")) == 1
    assert "would replace" in capsys.readouterr().err and files(tmp_path) == ["o.srt"]
