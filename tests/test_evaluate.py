"""Tables, and the commands that score a codec or recognisers."""
from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import RATE, SAID, SENTENCES, needs, noise_codec

from codec.ltas import ltas
from valle import cli
from valle.evaluate.codec import Clip, between_speakers, evaluate_codec, usage
from valle.evaluate.panel import Memory, Panel, encoder, listener, sound
from valle.evaluate.table import bootstrap, column, markdown, paired
from valle.synthesis.voice import Prompt

# tables

def test_bootstrap_is_seeded_and_covers_the_mean():
    values = list(np.random.default_rng(3).normal(5, 1, 40))
    estimate = bootstrap(values)
    assert estimate == bootstrap([*values, None, float("nan")])
    assert estimate.mean == pytest.approx(np.mean(values))
    assert estimate.low < estimate.mean < estimate.high
    half_width = 1.96 * np.std(values) / 40 ** 0.5
    assert estimate.high - estimate.low == pytest.approx(2 * half_width, rel=0.1)
    assert bootstrap([2.0, 2.0]).low == 2.0 and str(bootstrap([])) == "-"


def test_markdown():
    assert markdown(("a", "b"), [("x", 1), ("long", 22)]) == (
        "| a    | b  |\n|------|---:|\n| x    | 1  |\n| long | 22 |\n")
    with pytest.raises(ValueError, match="row of 1"):
        markdown(("a", "b"), [("x",)])


def test_clusters_are_resampled_whole():
    values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    alone, together = bootstrap(values), bootstrap(values, ["a"] * 3 + ["b"] * 3)
    assert alone.mean == together.mean == 0.5 and together.count == 6
    assert (together.low, together.high) == (0, 1), "two clusters say little"
    assert alone.high - alone.low < 0.85
    rates = bootstrap([0.5, 0.0], weights=[2, 8])
    assert rates.mean == pytest.approx(0.1), "one error in ten words"


def test_paired_differences_ignore_what_clips_have_in_common():
    rng = np.random.default_rng(0)
    a = rng.normal(0, 5, 50)
    change = paired(list(a), [*(a[:-1] + 0.2), None])
    assert change.count == 49 and change.mean == pytest.approx(0.2)
    assert change.high - change.low < 1e-9


def test_columns():
    rows = [{"ovrl": 3.0, "wer": {"a": 0.5}}, {"wer": {}}]
    assert column(rows, "ovrl") == [3.0, None] and column(rows, "wer", "a") == [0.5, None]


# codec

def test_usage_by_hand():
    first, second = usage(np.array([[0, 1, 2, 3], [5, 5, 5, 5]]), 8)
    assert (first.unique, first.share, first.reachable, first.perplexity) == (4, 0.5, 1.0, 4.0)
    assert (second.unique, second.share, second.reachable, second.perplexity) == (1, 1 / 8, 0.25, 1)


def test_baselines_between_speakers():
    x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert between_speakers([x, x, y], ["a", "a", "b"]) == (1.0, 0.0)
    assert np.isnan(between_speakers([x, y], ["a", "b"])[0])


@pytest.mark.slow
@needs("pocketsphinx", "jiwer", "resemblyzer", "speechmos", "onnxruntime")
def test_codec_is_scored_against_the_original(said: tuple[np.ndarray, int], tmp_path: Path):
    import soxr

    samples = soxr.resample(said[0], said[1], RATE)
    codec, seen, saved = noise_codec(small=True), [], []
    panel = Panel(Memory(tmp_path / "m.jsonl"), [listener("closed", [SAID, *SENTENCES])],
                  [encoder("resemblyzer")], sound())
    report = evaluate_codec(codec, [Clip("one", "alto", SAID, samples)], panel, [3, 1],
                            on_clip=seen.append, save=lambda *a: saved.append(a))
    assert all(1 < row["ovrl"] < 5 for row in report.rows)
    assert [row["version"] for row in report.rows] == ["original", "3 codebooks", "1 codebooks"]
    wer = [row["wer"]["closed"] for row in report.rows]
    assert wer[0] < 0.3 < wer[1], "a random codec keeps no words"
    assert report.rows[1]["similarity"]["resemblyzer"] < 1 and report.rows[1]["mel"] > 0.5
    assert report.kbps == {"3 codebooks": 2.25, "1 codebooks": 0.75}
    assert len(report.usage) == 3 and report.usage[0].frames == -(-len(samples) // 320)
    assert seen == [1] and len(saved[0][2]) == len(samples)
    assert "| 3 codebooks |" in report.markdown() and "| 2.25 |" in report.markdown()
    with pytest.raises(ValueError, match="1 to 3"):
        evaluate_codec(codec, [Clip("one", "alto", SAID, samples)], panel, [4])
    with pytest.raises(ValueError, match="no clips"):
        evaluate_codec(codec, [], panel)


# prompts

def test_prompts_are_cut_at_a_word():
    phones = [" ", "h", "aɪ", " ", "j", "uː", "."]
    whole = Prompt(torch.arange(30)[None], phones, [2, 3, 5, 4, 6, 6, 4],
                   ltas(np.zeros(24_000, np.float32)))
    cut = whole.cut(15)
    assert cut.ltas is whole.ltas, "of the whole recording"
    assert whole.cut(5).codes.shape[1] == 14, "the nearest word end, even if later"
    assert cut.phones == [" ", "h", "aɪ", "."] and cut.durations == [2, 3, 5, 4]
    assert cut.codes.tolist() == [list(range(14))]
    assert whole.cut(30).codes.shape[1] == 30
    plain = replace(whole, durations=None)
    assert plain.cut(5) is plain


# command line

@pytest.mark.slow
@needs("pocketsphinx", "jiwer", "resemblyzer", "speechmos", "onnxruntime")
def test_the_codec_command_writes_tables(corpus, tmp_path: Path):
    command = ["codec", "--recognizer", "closed", "--codec", str(corpus.codec), "--data",
               str(corpus.prepared), "--held-out", "held", "--seconds", "1", "9", "--clips", "1",
               "--out", str(tmp_path), "--save-audio", "--n-codebooks", "3"]
    cli.run("evaluate", command, "valle evaluate")
    assert "flatters" not in (tmp_path / "codec.jsonl").read_text()
    assert "3 codebooks" in (tmp_path / "codec.md").read_text()
    assert len((tmp_path / "codec.jsonl").read_text().splitlines()) == 2
    assert len(list((tmp_path / "3-codebooks").glob("*.wav"))) == 1


@pytest.mark.slow
@needs("pocketsphinx", "jiwer")
def test_the_recognizer_command_compares_on_the_same_clips(tmp_path: Path,
                                                           capsys: pytest.CaptureFixture[str]):
    folder = Path(__file__).parents[1] / "examples"
    for name in ("alto", "bass"):
        (tmp_path / "c" / name).mkdir(parents=True)
        for suffix in (".wav", ".txt"):
            shutil.copy(folder / f"{name}{suffix}", tmp_path / "c" / name)
    command = ["recognizer", "--data", str(tmp_path / "c"), "--out", str(tmp_path / "o"), "--model"]
    assert cli.run("evaluate", [*command, "closed", "pocketsphinx"], "valle evaluate") == 0
    table = capsys.readouterr().out
    rows = [json.loads(x) for x in (tmp_path / "o/recognizer.jsonl").read_text().splitlines()]
    assert len(rows) == 2 and all(r["wer"]["closed"] <= r["wer"]["pocketsphinx"] for r in rows)
    assert "| closed " in table and "| pocketsphinx " in table and "| all " in table
    assert cli.run("evaluate", [*command, "closed", "hubert-large"], "valle evaluate") == 1
    assert "not measured: hubert-large" in capsys.readouterr().out


def test_help_teaches(capsys: pytest.CaptureFixture[str]):
    for what, option in (("codec", "--n-codebooks"), ("voice", "--protocol"),
                         ("recognizer", "--held-out"), ("protocol", "--rule")):
        with pytest.raises(SystemExit):
            cli.run("evaluate", [what, "--help"], "valle evaluate")
        out = capsys.readouterr().out
        assert option in out and f"valle evaluate {what}" in out
