"""Verification: errors against scikit-learn, trials, encoders by name, and the command."""
from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from voices import RATE

from codec import load_audio
from valle.cli import run
from valle.data.clips import Clip, find_clips, load_clip
from valle.evaluate.speaker_report import embed_clips
from valle.evaluate.speaker_trials import (
    Trial,
    eer_interval,
    equal_error_rate,
    error_rates,
    identification,
    make_trials,
    min_dcf,
    read_trials,
    write_trials,
)
from valle.features.fbank import fbank
from valle.speaker.encoder import ENCODERS
from valle.speaker.model import SpeakerConfig, SpeakerModel
from valle.speaker.wavlm_tdnn import TDNN, TDNN_NAMES, WAVLM_NAMES, rename

ROOT = Path(__file__).parents[1]


def scored(seed: int, overlap: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 300 trials, many of them equal, and the truth."""
    rng = np.random.default_rng(seed)
    same = rng.random(300) < 0.3
    return np.round(rng.normal(same * 1.5, overlap), 1), same


# --- errors --------------------------------------------------------------------------------------

@pytest.mark.parametrize("seed", range(5))
def test_errors_are_those_of_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install scikit-learn")
    optimize = pytest.importorskip("scipy.optimize", reason="pip install scipy")
    scores, same = scored(seed)
    false_alarm, hit, _ = metrics.roc_curve(same, scores, drop_intermediate=False)
    rates = error_rates(scores, same)
    np.testing.assert_allclose(rates.false_alarm, false_alarm, atol=1e-12)
    np.testing.assert_allclose(1 - rates.miss, hit, atol=1e-12)
    expected = optimize.brentq(lambda x: 1 - x - np.interp(x, false_alarm, hit), 0, 1)
    assert equal_error_rate(rates) == pytest.approx(expected, abs=1e-3)
    for prior in (0.01, 0.05):
        costs = [(prior * (scores[same] < t).mean() + (1 - prior) * (scores[~same] >= t).mean())
                 / prior for t in [*scores, np.inf]]
        assert min_dcf(rates, prior) == pytest.approx(min(costs))


def test_perfect_useless_and_inverted_scores() -> None:
    same = np.array([True, True, False, False])
    for scores, eer, cost in (([4, 3, 2, 1], 0, 0), ([1, 1, 1, 1], 0.5, 1), ([1, 2, 3, 4], 1, 1)):
        rates = error_rates(np.array(scores, float), same)
        assert equal_error_rate(rates) == eer and min_dcf(rates, 0.05) == cost


def test_a_weight_counts_a_trial_so_many_times() -> None:
    scores, same = scored(7)
    times = np.random.default_rng(8).integers(4, size=len(scores))
    weighted = error_rates(scores, same, times.astype(float))
    repeated = error_rates(np.repeat(scores, times), np.repeat(same, times))
    assert equal_error_rate(weighted) == pytest.approx(equal_error_rate(repeated))


def test_the_interval_holds_the_rate_and_is_the_same_again() -> None:
    scores, same = scored(3)
    rng = np.random.default_rng(0)
    names = [f"s{i}" for i in range(20)]
    trials = [Trial(bool(s), *(rng.choice(names, 2, replace=False) if not s
                               else [rng.choice(names)] * 2)) for s in same]
    speakers = {name: name for name in names}
    low, high = eer_interval(trials, scores, speakers)
    assert low < equal_error_rate(error_rates(scores, same)) < high < low + 0.3
    assert eer_interval(trials, scores, speakers) == (low, high)


def test_identification_by_hand() -> None:
    embeddings = {"a1": [1, 0], "a2": [0.8, 0.6], "b1": [0, 1], "b2": [0.9, 0.4], "c1": [-1, 0]}
    found = identification({k: np.array(v, np.float32) for k, v in embeddings.items()},
                           {k: k[0] for k in embeddings})
    assert found == (0.5, 2, 3), "b2 is nearer to a1; c has nothing to test"


# --- trials --------------------------------------------------------------------------------------

def clip(name: str, speaker: str, corpus: str = "x") -> Clip:
    return Clip(name, speaker, corpus, Path(name))


def test_trials_are_all_pairs_of_a_speaker_and_others_of_one_corpus(tmp_path: Path) -> None:
    clips = [clip(f"{corpus}/{speaker} {i}", corpus + speaker, corpus)
             for corpus in "xy" for speaker in "abc" for i in range(4)]
    trials = make_trials(clips, 0, clips_per_speaker=3)
    owner = {c.id: c.speaker for c in clips}
    assert all((owner[t.a] == owner[t.b]) == t.same and t.a[0] == t.b[0] for t in trials)
    assert sum(t.same for t in trials) == 6 * 3 and sum(not t.same for t in trials) == 2 * 27
    assert len(set(trials)) == len(trials)
    fewer = make_trials(clips, 0, clips_per_speaker=3, most_others=10)
    assert sum(not t.same for t in fewer) == 10 and set(fewer) < set(trials)
    assert make_trials(clips[::-1], 0) == make_trials(clips, 0) != make_trials(clips, 1)
    write_trials(tmp_path / "t.tsv", trials)
    assert read_trials(tmp_path / "t.tsv") == trials


def test_bad_trials_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two clips of a speaker and two speakers of a corpus"):
        make_trials([clip("a", "a"), clip("b", "b", "y")], 0)
    with pytest.raises(FileNotFoundError, match="--trials"):
        read_trials(tmp_path / "none")
    for text, said in (("1\ta\tb\n2\ta\tb\n", "line 2"), ("1 a b\n", "line 1"),
                       ("1\ta\tb\n", "of others")):
        (tmp_path / "t").write_text(text)
        with pytest.raises(ValueError, match=said):
            read_trials(tmp_path / "t")


def test_clips_are_found_once_and_without_silence(voices: Path, tmp_path: Path) -> None:
    clips = find_clips([voices])
    assert len(clips) == 20 and len({c.speaker for c in clips}) == 5
    assert {c.corpus for c in clips} == {"voices"}
    loaded = load_clip(next(c for c in clips if c.speaker == "bass"))
    assert loaded is not None and loaded.pcm.dtype == np.int16 and len(loaded.pcm) > RATE
    assert 0.02 < np.abs(loaded.samples).max() <= 1
    (tmp_path / "noise.wav").write_bytes(b"RIFF")
    assert load_clip(clip(str(tmp_path / "noise.wav"), "a")) is None
    with pytest.raises(ValueError, match="folders of the same name"):
        find_clips([voices, voices])


# --- encoders by name ----------------------------------------------------------------------------

@pytest.mark.parametrize("name, module, pip", [
    ("wavlm-xvector", "transformers", "transformers"),
    ("speechbrain", "speechbrain.inference.speaker", "speechbrain"),
    ("wespeaker", "onnxruntime", "onnxruntime")])
def test_a_missing_package_is_one_line(name: str, module: str, pip: str,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module.split(".")[0], None)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    with pytest.raises(ImportError, match=f"{name} needs {pip}: pip install {pip}"):
        ENCODERS.load(name)


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(source: str) -> None:
        raise ConnectionError(f"cannot reach the hub for {source}\nwith a long story")

    fake = types.ModuleType("transformers")
    fake.AutoFeatureExtractor = fake.WavLMForXVector = types.SimpleNamespace(  # type: ignore
        from_pretrained=unreachable)
    monkeypatch.setitem(sys.modules, "transformers", fake)
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    with pytest.raises(OSError, match=r"cannot load microsoft/wavlm-base-plus-sv .*network") as got:
        ENCODERS.load("wavlm-xvector")
    assert "\n" not in str(got.value) and "long story" not in str(got.value)


def test_wrong_names_and_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no speaker encoder 'x': give a trained folder, resembly"):
        ENCODERS.load("x")
    with pytest.raises(ValueError, match="resemblyzer takes no model or file"):
        ENCODERS.load("resemblyzer:x")
    with pytest.raises(FileNotFoundError, match=r"download wavlm_large_finetune.pth from https"):
        ENCODERS.load("wavlm-tdnn")
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    with pytest.raises(FileNotFoundError, match="wespeaker:FILE"):
        ENCODERS.load(f"wespeaker:{tmp_path}/none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ValueError, match="not an ONNX model"):
        ENCODERS.load(f"wespeaker:{tmp_path}/bad.onnx")


def test_wespeaker_reads_an_onnx_file(tmp_path: Path) -> None:
    """A model that sums its features over time and halves the bands, made here."""
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    onnx = pytest.importorskip("onnx", reason="pip install onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.eye(80, 40, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("ReduceMax", ["feats", "axis"], ["most"], keepdims=0),
         helper.make_node("MatMul", ["most", "weight"], ["embs"])], "toy",
        [helper.make_tensor_value_info("feats", floats, ["B", "T", 80])],
        [helper.make_tensor_value_info("embs", floats, ["B", 40])],
        [onnx.numpy_helper.from_array(weight, "weight"),
         onnx.numpy_helper.from_array(np.array([1]), "axis")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "toy.onnx")
    encoder = ENCODERS.load(f"wespeaker:{tmp_path}/toy.onnx")
    samples = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    bands = fbank(torch.from_numpy(samples)[None], window="hamming")[0]
    expected = (bands - bands.mean(dim=0)).amax(dim=0)[:40]
    np.testing.assert_allclose(encoder(samples, RATE), expected / expected.norm(), atol=1e-5)
    assert encoder(samples[:10], RATE).tolist() == [0.0] * 40


def test_published_names_of_wavlm_tdnn_become_ours() -> None:
    """Every tensor of our TDNN has a name in Microsoft's file."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    affine = ("weight", "bias")
    theirs = ["feature_weight"]
    for place, norms in (("layer1", "layer1.bn"), ("", "bn")):
        conv = f"{place}.conv" if place else "conv"
        theirs += [f"{conv}.{x}" for x in affine] + [f"{norms}.{x}" for x in norm]
    for block in ("layer2", "layer3", "layer4"):
        for part in ("Conv1dReluBn1", "Conv1dReluBn2"):
            theirs += [f"{block}.{part}.conv.{x}" for x in affine]
            theirs += [f"{block}.{part}.bn.{x}" for x in norm]
        for i in range(7):
            theirs += [f"{block}.Res2Conv1dReluBn.convs.{i}.{x}" for x in affine]
            theirs += [f"{block}.Res2Conv1dReluBn.bns.{i}.{x}" for x in norm]
        theirs += [f"{block}.SE_Connect.linear{i}.{x}" for i in (1, 2) for x in affine]
    theirs += [f"{part}.{x}" for part in ("pooling.linear1", "pooling.linear2", "linear")
               for x in affine]
    assert {rename(name, TDNN_NAMES) for name in theirs} == set(TDNN(24, 3).state_dict())
    assert TDNN(24, 3).eval()(torch.randn(3, 2, 40, 24)).shape == (2, 256)
    name = "encoder.layers.3.self_attn.relative_attention_bias.weight"
    assert rename(name, WAVLM_NAMES) == "encoder.layers.3.attention.rel_attn_embed.weight"


def test_all_published_encoders_exist() -> None:
    for place in ENCODERS.published.values():
        module, attribute = place.split(":")
        assert callable(getattr(__import__(module, fromlist=[attribute]), attribute))


# --- the command ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    SpeakerModel(SpeakerConfig("ecapa", 16)).save(folder)
    return folder


@pytest.mark.slow
def test_several_encoders_on_the_same_trials(voices: Path, trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "valle", "evaluate", "speaker", "--data", voices,
               "--held-out", "held-*", "bass", "--out", tmp_path, "--model", trained, "nobody"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, "nobody could not be loaded"
    text = (tmp_path / "speaker.md").read_text()
    assert "18 trials of the same speaker and 48 of different ones" in text and text in done.stdout
    assert "- not measured: nobody: no speaker encoder 'nobody'" in text
    row = json.loads((tmp_path / "speaker.jsonl").read_text())
    assert row["size"] == 192 and 0 <= row["low"] <= row["eer"] <= row["high"] <= 1
    assert (row["tested"], row["enrolled"]) == (9, 3) and "rates" not in row
    assert re.search(rf"\| {trained} +\| 192 \| +{100 * row['eer']:.2f}", text)
    assert len((tmp_path / "trials.tsv").read_text().splitlines()) == 66


def test_embeddings_are_kept_and_made_once(voices: Path, tmp_path: Path) -> None:
    clips, made = find_clips([voices])[:6], []

    def encoder():
        made.append("loaded")
        return lambda samples, rate: made.append(rate) or np.ones(2, np.float32)

    path = tmp_path / "e.jsonl"
    first = embed_clips(clips, encoder, "e 1", path, lambda n: None)
    with path.open("a") as file:
        file.write('{"clip": "cut in mid-li')
    assert first.keys() == {c.id for c in clips} and made == ["loaded"] + [RATE] * 6
    again = embed_clips(clips, encoder, "e 1", path, lambda n: None)
    assert len(made) == 7 and all(np.array_equal(first[k], again[k]) for k in first)
    embed_clips(clips, encoder, "e 2", path, lambda n: None)
    assert len(made) == 14, "other weights, other embeddings"


def test_mistakes_are_one_line(voices: Path, trained: Path, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.tsv").write_text("1\tvoices/bass/0\tother/1\n0\tvoices/bass/0\tother/1\n")
    for more, advice in ((["--model", "nobody"], "no speaker encoder 'nobody'"),
                         (["--held-out", "nobody"], "check --data and --held-out"),
                         (["--data", str(tmp_path / "none")], "no corpus folder"),
                         (["--trials", str(tmp_path / "t.tsv")], "not in --data")):
        given = ["speaker", "--model", str(trained), "--data", str(voices), "--out",
                 str(tmp_path / advice[:4]), *more]
        assert run("evaluate", given, "valle evaluate") == 1
        printed = capsys.readouterr().err.splitlines()[-1]
        assert printed.startswith("valle evaluate: ") and advice in printed


def test_det_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from valle.evaluate.speaker_report import measure, plot_det

    rng = np.random.default_rng(0)
    embeddings = {f"{s}{i}": v / np.linalg.norm(v) for s in "abcd" for i in range(4)
                  for v in [rng.normal(0, 1, 8).astype(np.float32)]}
    clips = [clip(name, name[0]) for name in embeddings]
    result = measure("toy", make_trials(clips, 0), embeddings, {c.id: c.speaker for c in clips})
    with pytest.raises(ValueError, match="check --data"):
        measure("toy", make_trials(clips, 0), {"a0": embeddings["a0"]}, {"a0": "a"})
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'valle\[evaluate\]'"):
        plot_det([result], tmp_path / "det.png")
    monkeypatch.undo()
    pytest.importorskip("matplotlib", reason="pip install matplotlib")
    plot_det([result], tmp_path / "det.png")
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")


def test_the_shipped_encoder_tells_the_examples_apart() -> None:
    root = Path(__file__).parents[1]
    encoder = ENCODERS.load(str(root / "weights" / "judges" / "ecapa"))
    halves = {}
    for name in ("alto", "tenor", "bass"):
        samples = load_audio(root / "examples" / f"{name}.wav")
        middle = len(samples) // 2
        halves[name] = [encoder(part, 24_000) for part in (samples[:middle], samples[middle:])]
    same = [float(a @ b) for a, b in halves.values()]
    other = [float(a @ b) for x, first in halves.items() for y, second in halves.items() if x < y
             for a in first for b in second]
    assert min(same) > max(other) + 0.1, (same, other)
