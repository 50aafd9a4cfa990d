"""Tables, pairs, and the commands that score a codec or a voice."""
from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, SAID, SENTENCES, needs, noise_codec, vowel

from g2p import phonemize
from valle import cli
from valle.data.corpora import Recording, read_corpus
from valle.evaluate.codec import Clip, between_speakers, evaluate_codec, usage
from valle.evaluate.judges import Judges, Score
from valle.evaluate.pairs import make_pairs, read_pairs, speakable, write_pairs
from valle.evaluate.table import bootstrap, markdown
from valle.evaluate.voice import Scorer, VALLESpeaker, read_rows, speak_pairs, table
from valle.sampling import SamplingOptions
from valle.tts import VALLE, Audio, Prompt

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


def test_table_of_a_voice():
    rows = [{"group": g, "version": v, "werc": w, "wer": None, "similarity": s, "other": 0.5,
             "above": a, "ovrl": 3.0, "finish": f}
            for g, v, w, s, a, f in (("synthetic", "voice", 0.0, 0.9, 1.0, "eos"),
                                     ("real", "voice", 0.5, 0.4, 0.25, "cap"),
                                     ("real", "recording", 0.1, 0.8, 1.0, None))]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(rows).splitlines()]
    found = {(line[0], line[1]): dict(zip(lines[0], line, strict=True)) for line in lines[2:]}
    assert list(found) == [("synthetic", "voice"), ("real", "recording"), ("real", "voice"),
                           ("all", "recording"), ("all", "voice")]
    both = found["all", "voice"]
    assert (both["clips"], both["EOS"]) == ("2", "1") and both["WERc"].startswith("0.250 (")
    assert both["right > mean other"] == "1 of 2" and both["right > any other"] == "62%"
    assert found["real", "recording"]["EOS"] == "-" and both["WER"] == "-"


# codec

def test_usage_by_hand():
    first, second = usage(np.array([[0, 1, 2, 3], [5, 5, 5, 5]]), 8)
    assert (first.unique, first.share, first.reachable, first.perplexity) == (4, 0.5, 1.0, 4.0)
    assert (second.unique, second.share, second.reachable, second.perplexity) == (1, 1 / 8, 0.25, 1)


def test_baselines_between_speakers():
    x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert between_speakers([x, x, y], ["a", "a", "b"]) == (1.0, 0.0)
    assert np.isnan(between_speakers([x, y], ["a", "b"])[0])


@needs("pocketsphinx", "jiwer", "resemblyzer", "speechmos", "onnxruntime")
def test_codec_is_scored_against_the_original(flite: tuple[np.ndarray, int]):
    import soxr

    samples = soxr.resample(flite[0], flite[1], RATE)
    codec, seen, saved = noise_codec(small=True), [], []
    report = evaluate_codec(codec, [Clip("one", "slt", SAID, samples)], SENTENCES, [3, 1],
                            on_clip=seen.append, save=lambda *a: saved.append(a))
    assert [row["version"] for row in report.rows] == ["original", "3 codebooks", "1 codebooks"]
    assert report.rows[0]["werc"] < 0.3 < report.rows[1]["werc"], "a random codec keeps no words"
    assert report.rows[0]["similarity"] == 1 > report.rows[1]["similarity"]
    assert len(report.usage) == 3 and report.usage[0].frames == -(-len(samples) // 320)
    assert seen == [1] and len(saved[0][2]) == len(samples)
    assert "| 3 codebooks |" in report.markdown()
    with pytest.raises(ValueError, match="1 to 3"):
        evaluate_codec(codec, [Clip("one", "slt", SAID, samples)], [], [4])
    with pytest.raises(ValueError, match="no clips"):
        evaluate_codec(codec, [], [])


# pairs

@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six speakers, three recordings of about three seconds each."""
    root = tmp_path_factory.mktemp("voices")
    texts = ("The quick brown fox ran over the lazy dog.", "We went home slowly by the old road.",
             "Is my old house still near the sea?")
    for speaker in range(6):
        (root / f"s{speaker}").mkdir()
        for i, text in enumerate(texts):
            samples, _ = vowel(phonemize(text), 100 + 20 * speaker)
            soundfile.write(root / f"s{speaker}" / f"{i}.wav", np.tile(samples, 2), RATE)
            own = f"{text[:-1]} {'ABCDEF'[speaker]}a{text[-1]}"  # no two say the same
            (root / f"s{speaker}" / f"{i}.txt").write_text(own)
    return root


def recordings(root: Path, *speakers: str) -> list[Recording]:
    return [r for r in read_corpus(root, "plain") if r.speaker in speakers]


POOL = ["A boat came in from the sea at night.", "Nobody knew the name of the small town.",
        "He said PRS must go home now.", "too short."]


def test_speakable():
    assert [speakable(text) for text in POOL] == [True, True, False, False]
    assert not speakable("In 1963 they went home to the sea.")


def test_pairs_are_seeded_unseen_and_by_different_speakers(voices: Path, tmp_path: Path):
    make = functools.partial(
        make_pairs, recordings(voices, "s0", "s1"),
        [recordings(voices, "s2"), recordings(voices, "s3", "s4", "s5")], POOL, count=2)
    pairs = make()
    assert pairs == make() and pairs != make(seed=1)
    assert [p.group for p in pairs] == ["synthetic"] * 2 + ["real"] * 2
    assert {p.speaker for p in pairs[:2]} == {"s0", "s1"} and pairs[2].speaker == "s2"
    assert len({p.text for p in pairs}) == 4 and {p.text for p in pairs[2:]} == set(POOL[:2])
    for pair in pairs:
        assert pair.prompt != pair.truth and pair.prompt_text != pair.text
        assert Path(pair.truth).parent.name == pair.speaker
        assert (pair.truth_text == pair.text) == (pair.group == "synthetic")
    with pytest.raises(ValueError, match="too few texts"):
        make(seen=[POOL[0].upper()])
    with pytest.raises(ValueError, match="synthetic speakers have 6 prompts"):
        make(count=7)
    write_pairs(tmp_path / "pairs.jsonl", pairs)
    assert read_pairs(tmp_path / "pairs.jsonl") == pairs
    (tmp_path / "pairs.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(ValueError, match="line 1 is not a pair"):
        read_pairs(tmp_path / "pairs.jsonl")


# voice

class Recorded:
    """A perfect voice: it plays the recording of the text, or of another speaker."""

    def __init__(self, **settings: object) -> None:
        self.settings, self.calls = settings, 0

    def __call__(self, pair, seed: int) -> tuple[Audio, float]:
        self.calls += 1
        samples, rate = soundfile.read(pair.truth, dtype="float32")
        return Audio(samples, rate, "eos"), 1.5


class Pitch:
    """A judge of synthetic harmonics: its embedding is the spectrum, words are always heard."""

    def __init__(self) -> None:
        self.calls = 0

    def speaker(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(samples[:RATE], RATE))[60:400]
        return spectrum / np.linalg.norm(spectrum)

    def __call__(self, samples: np.ndarray, sample_rate: int, text: str) -> Score:
        self.calls += 1
        return Score(None, 0.25, text, 3.0, self.speaker(samples, sample_rate))


def test_voice_is_spoken_scored_and_resumed(voices: Path, tmp_path: Path):
    pairs = make_pairs(recordings(voices, "s0", "s1"), [recordings(voices, "s2", "s5")], POOL,
                       count=2)
    voice = Recorded(model="a")
    assert speak_pairs(pairs, voice, tmp_path / "wav") == 4
    assert speak_pairs(pairs, voice, tmp_path / "wav") == 0 and voice.calls == 4
    (tmp_path / "wav" / f"{pairs[1].id}.wav").unlink()
    assert speak_pairs(pairs, voice, tmp_path / "wav") == 1
    assert speak_pairs(pairs, voice, tmp_path / "wav", seed=1) == 4
    assert speak_pairs(pairs, Recorded(model="b"), tmp_path / "wav", seed=1) == 4

    judge, seen = Pitch(), []
    rows = Scorer(lambda: judge, pairs, tmp_path, "", seen.append).voice()  # type: ignore[arg-type]
    assert len(rows) == len(seen) == 4 and judge.calls == 4
    assert all(row["finish"] == "eos" and row["above"] == 1.0 for row in rows)
    assert all(row["similarity"] > row["other"] for row in rows)
    phones = sum(p not in " ,.?!;:" for p in phonemize(pairs[0].text))
    assert rows[0]["phones_per_second"] == pytest.approx(phones / rows[0]["seconds"], abs=0.02)
    with (tmp_path / "scores.jsonl").open("a") as file:
        file.write('{"cut by a ki')
    again = Scorer(lambda: judge, pairs, tmp_path, "")  # type: ignore[arg-type]
    assert again.voice() == rows and judge.calls == 4, "known rows are not scored again"
    anchors = again.anchors(noise_codec(small=True), 2)
    assert [r["version"] for r in anchors] == ["recording", "codec, 2 books"] * 4
    assert len(read_rows(tmp_path / "scores.jsonl")) == 4 + len(anchors)
    assert Scorer(lambda: judge, pairs, tmp_path, "other texts").voice() != rows  # type: ignore


def test_prompts_are_cut_at_a_word():
    phones = [" ", "h", "aɪ", " ", "j", "uː", "."]
    whole = Prompt(torch.arange(30)[None], phones, [2, 3, 5, 4, 6, 6, 4])
    cut = whole.cut(15)
    assert whole.cut(5).codes.shape[1] == 14, "the nearest word end, even if later"
    assert cut.phones == [" ", "h", "aɪ", "."] and cut.durations == [2, 3, 5, 4]
    assert cut.codes.tolist() == [list(range(14))]
    assert whole.cut(30).codes.shape[1] == 30
    plain = Prompt(whole.codes, phones, None)
    assert plain.cut(5) is plain


@pytest.mark.filterwarnings("ignore:the prompt text does not fit")  # a random model hums
def test_a_model_speaks_a_pair_the_same_twice(voices: Path, model_folder: Path):
    pairs = make_pairs(recordings(voices, "s0"), [recordings(voices, "s2")], POOL, count=1)
    speaker = VALLESpeaker(VALLE.from_pretrained(model_folder), SamplingOptions(top_k=5), 2.0)
    audio, heard = speaker(pairs[0], 7)
    assert heard > 0 and audio.seconds > 0.1
    assert (audio.samples == speaker(pairs[0], 7)[0].samples).all()


# command line

@needs("pocketsphinx", "jiwer", "resemblyzer", "speechmos", "onnxruntime")
def test_commands_write_tables(corpus, voices: Path, model_folder: Path, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]):
    assert cli.run("evaluate", [
        "codec", "--codec", str(corpus.codec), "--data", str(corpus.prepared), "--held-out", "held",
        "--seconds", "1", "9", "--clips", "1", "--out", str(tmp_path / "c"), "--save-audio",
        "--n-codebooks", "3"], "valle evaluate") == 0
    assert "3 codebooks" in (tmp_path / "c" / "codec.md").read_text()
    assert len((tmp_path / "c" / "codec.jsonl").read_text().splitlines()) == 2
    assert len(list((tmp_path / "c" / "3-codebooks").glob("*.wav"))) == 1
    (tmp_path / "texts.txt").write_text("\n".join(POOL))
    arguments = ["voice", "--model", str(model_folder), "--out", str(tmp_path / "v"), "--count",
                 "1", "--synthetic", str(voices), "--real", str(voices), "--speakers", "s1",
                 "--texts", str(tmp_path / "texts.txt"), "--no-anchors", "--prompt-seconds", "1.5"]
    assert cli.run("evaluate", arguments, "valle evaluate") == 0
    rows = [json.loads(x) for x in (tmp_path / "v" / "voice.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["synthetic-00", "real-00"]
    assert {"finish", "seconds", "wer", "werc", "similarity", "other", "ovrl",
            "phones_per_second"} <= set(rows[0])
    assert "right > any other" in (tmp_path / "v" / "voice.md").read_text()
    capsys.readouterr()
    assert cli.run("evaluate", ["voice", "--model", str(model_folder), "--out", str(tmp_path / "n")
                                ], "valle evaluate") == 1
    assert "give --synthetic, --real and --texts" in capsys.readouterr().err


def test_missing_packages_are_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(ImportError, match=r"pip install 'valle\[evaluate\]'"):
        Judges([SAID], [])


def test_help_teaches(capsys: pytest.CaptureFixture[str]):
    for what, option in (("codec", "--n-codebooks"), ("voice", "--synthetic")):
        with pytest.raises(SystemExit):
            cli.run("evaluate", [what, "--help"], "valle evaluate")
        out = capsys.readouterr().out
        assert option in out and f"valle evaluate {what}" in out
