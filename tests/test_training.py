"""Training: each stage resumes exactly, survives Ctrl-C and NaN, and learns one batch by heart."""
from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PROMPT_TEXT, Corpus, file_limit, noise_codec
from safetensors.torch import load_file
from stopping import interrupt_at

from codec import load_codec
from codec.spectral import SpectralCodec
from g2p import Vocabulary
from valle.cli import run
from valle.data.manifest import Prepared
from valle.data.preparation import Preparation
from valle.data.prepare import prepare
from valle.model.ar import AR
from valle.model.checkpoint import pack
from valle.model.config import ARConfig, NARConfig, size
from valle.model.nar import NAR
from valle.training.keeping import validate
from valle.training.loop import fit, train_step
from valle.training.speech import SpeechData, SpeechStage, SpeechTraining
from valle.training.stage import LoopConfig, Stage
from valle.training.stages.aligner import AlignerStage, AlignerTraining
from valle.training.stages.ar import ARTask
from valle.training.stages.codec import CodecStage, CodecTraining
from valle.training.stages.decoder import DecoderStage, DecoderTraining
from valle.training.stages.nar import NARTask
from valle.training.state import Progress, save_state
from valle.tts import VALLE

ROOT = Path(__file__).parents[1]
STEPS, STOP = 6, 3
pytestmark = pytest.mark.usefixtures("no_tensorboard")
STAGES = ("codec", "aligner", "ar plain", "ar interleaved", "nar")


def speech_data(corpus: Corpus, **options: Any) -> SpeechData:
    config = SpeechTraining(tokens_per_batch=900, max_concat=2, **options)
    return SpeechData([corpus.prepared], ["held"], config, None, True)


def build(name: str, corpus: Corpus, weights: int = 0) -> Stage:
    """A stage of tiny size; the same weights for the same number."""
    torch.manual_seed(weights)
    if name == "codec":
        config = CodecTraining(steps=STEPS, batch_size=3, frames=30, discriminator_batch=1,
                               unquantized_share=0.34, discriminator_from=0.67)
        return CodecStage(config, [corpus.root], ["held"])
    if name == "aligner":
        return AlignerStage([corpus.prepared], ["held"], AlignerTraining(batch_size=3))
    data = speech_data(corpus)
    shape = size("tiny", dropout=0.1)
    if name == "nar":
        model = NAR(NARConfig(len(data.vocabulary), n_codebooks=3, transformer=shape))
        return SpeechStage(NARTask(model, data.prepared.spec, 0.5), data)
    layout, *group = name.split()[1:]
    ar = AR(ARConfig(len(data.vocabulary), layout=layout, transformer=shape,
                     group=len(group) + 1))
    return SpeechStage(ARTask(ar), data)


def loop(out: Path, steps: int = STEPS, **options: Any) -> LoopConfig:
    return LoopConfig(out, steps, warmup=2, log_every=1, validate_every=2, device="cpu", **options)


def peak(stage: Stage, lr: float) -> None:
    """Set the peak learning rate, as `fit` does with the stage's own."""
    for optimizer in stage.optimizers.values():
        for group in optimizer.param_groups:
            group["initial_lr"] = lr


def records(folder: Path) -> list[dict[str, float]]:
    """Metrics without the times."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items()
             if k != "seconds" and not k.startswith("speed/")} for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_a_resumed_run_equals_an_uninterrupted_one(name: str, corpus: Corpus,
                                                   tmp_path: Path) -> None:
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    accumulate = 2 if name == "nar" else 1
    assert fit(build(name, corpus), loop(whole, accumulate=accumulate), {}).step == STEPS
    stopped = fit(interrupt_at(build(name, corpus), accumulate * STOP - 1),
                  loop(parted, accumulate=accumulate), {})
    assert stopped.step == STOP, "the step is finished, then the run stops"
    assert stopped.signal == signal.SIGINT
    done = fit(build(name, corpus, weights=99), loop(parted, accumulate=accumulate), {})
    assert done.step == STEPS and not done.signal
    a, b = (load_file(folder / "checkpoint.safetensors") for folder in (whole, parted))
    assert a.keys() == b.keys() and any(k.startswith("optimizer/") for k in a)
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert records(whole) == records(parted)
    for file in (path.relative_to(whole) for path in whole.rglob("*") if path.is_file()):
        if not file.name.startswith("checkpoint") and file.name != "metrics.jsonl":
            assert (whole / file).read_bytes() == (parted / file).read_bytes()


def test_weights_change_from_step_to_step(corpus: Corpus, tmp_path: Path) -> None:
    """That the test above can fail."""
    states = []
    for steps in (STOP, STEPS):
        fit(build("ar plain", corpus), loop(tmp_path / str(steps), steps), {})
        states.append(load_file(tmp_path / str(steps) / "checkpoint.safetensors"))
    assert not any(torch.equal(states[0][k], states[1][k]) for k in states[0] if "proj" in k)


@pytest.mark.parametrize("name", ["aligner", "ar interleaved", "ar interleaved grouped", "nar"])
def test_it_learns_one_batch_by_heart(name: str, corpus: Corpus, tmp_path: Path) -> None:
    stage = build(name, corpus)
    batch = stage.batch(0)
    stage.batch = lambda step: batch  # type: ignore[method-assign]
    for module in stage.modules.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    peak(stage, 2e-2 if name != "aligner" else 5e-3)
    config, progress = loop(tmp_path, 50), Progress()
    losses = [train_step(stage, config, progress)["train/loss"] for _ in range(50)]
    assert losses[-1] < 0.5 * losses[0], losses[::10]
    assert progress.step == 50 and progress.units > 0 and progress.skipped == 0


def test_a_codec_with_other_numbers_is_trained_for_and_speaks(
        corpus: Corpus, prompt: Path, tmp_path: Path) -> None:
    codec = noise_codec(small=True, sample_rate=16_000, hop=400, window=1600, filter_window=800)
    codec.save(tmp_path / "codec")
    prepare(corpus.root, tmp_path / "data", Preparation(codec=tmp_path / "codec", workers=0))
    common = [f"--data={tmp_path / 'data'}", "--held-out=held", "--steps=1", "--device=cpu",
              "--threads=1"]
    speech = [*common, "--size=tiny", "--tokens-per-batch=900", f"--codec={tmp_path / 'codec'}"]
    for stage, options in (("aligner", common), ("ar", speech), ("nar", speech)):
        assert run("train", [stage, f"--out={tmp_path / stage}", *options], "valle train") == 0
    pack(tmp_path / "model", *(tmp_path / part for part in ("codec", "ar", "nar", "aligner")))
    tts = VALLE.from_pretrained(tmp_path / "model", "cpu")
    assert tts.model.nar.config.n_codebooks == 3 and tts.model.aligner is not None
    tts.model.aligner.check_spec(codec.spec)
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    assert voice.codes.shape[1] == pytest.approx(40 * 3, rel=0.2), "40 frames/s of three seconds"
    audio = tts.speak("A word.", prompt=voice)
    assert audio.sample_rate == 16_000 and audio.samples.size
    with pytest.raises(ValueError, match="the codec has 40 of 16000 Hz"):
        pack(tmp_path / "mixed", tmp_path / "codec", tmp_path / "ar", tmp_path / "nar", "starter")


@pytest.mark.slow
def test_the_codec_learns(corpus: Corpus, tmp_path: Path) -> None:
    stage = build("codec", corpus)
    stage.first_quantized = 100  # type: ignore[attr-defined]
    stage.first_adversarial = 100  # type: ignore[attr-defined]
    batch = stage.batch(0)
    stage.batch = lambda step: batch  # type: ignore[method-assign]
    peak(stage, 2e-3)
    config, progress = loop(tmp_path, 25), Progress()
    losses = [train_step(stage, config, progress)["train/loss"] for _ in range(25)]
    assert losses[-1] < 0.6 * losses[0], losses[::5]


@pytest.mark.slow
def test_a_decoder_learns_from_what_a_model_filled(corpus: Corpus, tmp_path: Path) -> None:
    """Its latents are those of the folder, crop by crop; encoder and codebooks stay."""
    prepared, codec = Prepared.open(corpus.prepared), SpectralCodec.load(corpus.codec)
    vocabulary = Vocabulary.build(u.phones for u in prepared.utterances if u.phones)
    filled = tmp_path / "filled"
    filled.mkdir()
    (filled / "filled.json").write_text(json.dumps({"codec": codec.identity}))
    for u in prepared.utterances:
        codes = torch.from_numpy(prepared.codes(u).astype(np.int64))
        (filled / u.id).parent.mkdir(exist_ok=True)
        np.save(filled / f"{u.id}.npy", codec.dequantize(codes[None])[0].numpy().astype(np.float16))
    config = DecoderTraining(steps=4, batch_size=2, frames=30, codebooks=3, blocks=6, filled=filled)
    stage = DecoderStage(config, codec, vocabulary, [corpus.prepared], ["held"])
    true, made = stage.batch(0), stage.batch(1)
    assert true.codes.dtype == torch.int64 and made.codes.dtype == torch.float32
    assert (true.phones >= 0).any() and int(true.phones.max()) < len(vocabulary)
    with torch.no_grad():
        own = stage.codec.dequantize(stage.codec.encode(made.wav[:, None]))
    inside = slice(10, 20)  # near the ends of a crop the encoder sees less
    assert (own - made.codes)[..., inside].abs().lt(.1).float().mean() > .5, "other crops: .1"
    before = stage.codec.identity
    for step in range(2):
        assert all(bool(loss.value.isfinite()) for loss in stage.losses(stage.batch(step), step))
    assert stage.codec.identity == before
    noise_codec(seed=1, small=True).save(tmp_path / "other")
    with pytest.raises(ValueError, match="of codec .* fill it again"):
        DecoderStage(config, SpectralCodec.load(tmp_path / "other"), vocabulary, [corpus.prepared],
                     ["held"])


@pytest.mark.parametrize("name", ["aligner", "ar plain", "nar"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_is_skipped_and_counted(name: str, bad: float, corpus: Corpus,
                                                          tmp_path: Path) -> None:
    """One gradient of one step is not finite: weights and moments stay, the count is kept."""
    stage = build(name, corpus)
    peak(stage, 1e-3)
    parameter = next(p for p in stage.modules.parameters() if p.dim() > 1)
    config, progress = loop(tmp_path), Progress()
    train_step(stage, config, progress)
    before = {k: v.clone() for k, v in stage.modules.state_dict().items()}
    hook = parameter.register_hook(lambda gradient: gradient * bad)
    metrics = train_step(stage, config, progress)
    hook.remove()
    assert metrics["train/skipped"] == 1 and (progress.step, progress.skipped) == (2, 1)
    assert all(torch.equal(v, before[k]) for k, v in stage.modules.state_dict().items())
    metrics = train_step(stage, config, progress)
    assert metrics["train/skipped"] == 0 and (progress.step, progress.skipped) == (3, 1)
    assert np.isfinite(metrics["train/loss"])
    assert not torch.equal(parameter, before[next(
        k for k, p in stage.modules.named_parameters() if p is parameter)])


# --- the loop ------------------------------------------------------------------------------------

def test_learning_rate_rises_then_falls(tmp_path: Path) -> None:
    config = LoopConfig(tmp_path, 100, warmup=10, final_lr=0.1)
    factors = [config.lr_factor(step) for step in range(101)]
    assert factors[:10] == pytest.approx([0.1 * i for i in range(1, 11)])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[10] == 1 and factors[100] == pytest.approx(0.1)
    linear = replace(config, schedule="linear")
    assert linear.lr_factor(55) == pytest.approx(0.55)
    assert replace(config, schedule="constant").lr_factor(99) == 1
    for wrong, flag in (({"schedule": "steps"}, "--schedule"), ({"steps": 0}, "--steps")):
        with pytest.raises(ValueError, match=flag):
            replace(config, **wrong)


def test_batches_depend_on_seed_and_step_alone(corpus: Corpus) -> None:
    data, again = speech_data(corpus, seed=3), speech_data(corpus, seed=3)
    order = [7, 0, 31, 2, 7, 8]
    forwards = {step: data.at(step) for step in sorted(order)}
    for step in order:
        for a, b in zip(again.at(step), forwards[step], strict=True):
            assert a.phones == b.phones and np.array_equal(a.codes, b.codes)
    other = speech_data(corpus, seed=4)
    assert any([s.phones for s in other.at(i)] != [s.phones for s in data.at(i)]
               for i in range(4))


def test_samples_agree_with_themselves(corpus: Corpus) -> None:
    data = speech_data(corpus)
    utterances = data.prepared.utterances
    assert {utterances[row].speaker for row in data.train} == {"anna", "ben"}
    assert {utterances[row].speaker for row in data.held} == {"held"}
    joined = 0
    for step in range(12):
        for sample in data.at(step):
            assert sample.durations and len(sample.durations) == len(sample.phones)
            assert sum(sample.durations) == sample.codes.shape[1] and len(sample.codes) == 3
            joined += data.vocabulary.decode(sample.phones)[1:].count(".") > 1
    assert joined, "samples of several utterances occur"


def test_some_samples_are_learned_without_text_and_prompt(corpus: Corpus) -> None:
    data, all_known = speech_data(corpus, drop_condition=0.3), speech_data(corpus, drop_condition=0)
    dropped = seen = 0
    for step in range(20):
        for sample, known in zip(data.at(step), all_known.at(step), strict=True):
            assert known.conditioned and any(known.phones)
            assert np.array_equal(sample.codes, known.codes)
            assert sample.durations == known.durations
            assert sample.phones == (known.phones if sample.conditioned
                                     else [0] * len(known.phones))
            dropped, seen = dropped + (not sample.conditioned), seen + 1
    assert 0.2 < dropped / seen < 0.4, seen
    nar = NAR(NARConfig(len(data.vocabulary), n_codebooks=3, transformer=size("tiny")))
    sample = all_known.at(0)[0]
    task = NARTask(nar, data.prepared.spec, 0.5)
    rows = task.rows([sample, sample.unconditioned()], np.random.default_rng(0))
    assert rows.prompt_frames[0] > 0 and rows.prompt_frames[1] == 0
    assert not rows.phones[1].any() and not rows.frame_phones[1].any()  # type: ignore[index]


def test_corrupted_codes_are_heard_but_not_learned(corpus: Corpus,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    data = speech_data(corpus)
    model = AR(ARConfig(len(data.vocabulary), transformer=size("tiny")))
    tokens = torch.tensor([[1, 4, 5, 6, 2, 5, *range(300, 312), 6, *range(400, 410), 3]])
    heard: list[torch.Tensor] = []
    hidden = model.hidden
    monkeypatch.setattr(model, "hidden", lambda given: (heard.append(given), hidden(given))[1])
    model.train().loss(tokens, None, corrupt=0.5)
    model.loss(tokens, None)
    model.eval().loss(tokens, None, corrupt=0.5)
    changed = heard[0] != tokens[:, :-1]
    assert 4 <= int(changed.sum()) <= 18
    assert not changed[tokens[:, :-1] < model.ids.first_code].any(), "codes alone are corrupted"
    assert (heard[0][changed] >= model.ids.first_code).all()
    assert torch.equal(heard[1], tokens[:, :-1]) and torch.equal(heard[2], tokens[:, :-1])


@pytest.mark.parametrize("name", ["ar plain", "ar interleaved", "nar"])
def test_a_stage_with_a_codec_can_be_listened_to(name: str, corpus: Corpus) -> None:
    stage = build(name, corpus)
    assert validate(stage)[1] == {}
    stage.codec = load_codec(corpus.codec)  # type: ignore[attr-defined]
    heard = validate(stage)[1]
    assert heard and all(wav.numel() > rate == stage.codec.sample_rate  # type: ignore[attr-defined]
                         and bool(wav.isfinite().all()) for wav, rate in heard.values())


def test_a_batch_too_small_to_start_the_quantizer_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="--batch-size 2: the quantizer starts from 720 frames"):
        CodecStage(CodecTraining(steps=9, batch_size=2, frames=30), [corpus.root], ["held"])


def test_a_checkpoint_of_another_shape_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    fit(build("ar interleaved", corpus), loop(tmp_path, 1), {})
    with pytest.raises(ValueError, match=r"cannot resume from .*start a new --out folder"):
        fit(build("nar", corpus), loop(tmp_path), {})


def test_a_full_disk_leaves_no_half_checkpoint(corpus: Corpus, tmp_path: Path) -> None:
    fit(build("ar plain", corpus), loop(tmp_path, 1), {})
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with file_limit(4096), pytest.raises(OSError, match=r"best/ar.safetensors"):
        fit(build("ar plain", corpus), loop(tmp_path, 2), {})
    stage = build("ar plain", corpus)
    with file_limit(4096), pytest.raises(OSError, match=r"checkpoint.safetensors"):
        save_state(tmp_path, stage.modules, stage.optimizers, Progress())
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert not list(tmp_path.rglob(".*"))


def test_metrics_past_the_checkpoint_and_half_lines_are_dropped(corpus: Corpus,
                                                                tmp_path: Path) -> None:
    fit(build("ar plain", corpus), loop(tmp_path, 2), {})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 5, "train/loss": 1.0}\n{"step": 6, "train/l')
    fit(build("ar plain", corpus), loop(tmp_path, 3), {})
    steps = [int(record["step"]) for record in records(tmp_path)]
    assert steps == sorted(steps) and max(steps) == 3


# --- the command ---------------------------------------------------------------------------------

def command(corpus: Corpus, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-B", "train.py", "--stage=ar", f"--data={corpus.prepared}",
            f"--out={out}", "--held-out", "held", "--size=tiny", "--steps=150", "--warmup=5",
            "--tokens-per-batch=900", "--max-concat=2", "--threads=1", "--device=cpu", *more]


def wait_for(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "out"
    child = subprocess.Popen(
        command(corpus, out), cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    metrics = out / "metrics.jsonl"
    wait_for(lambda: metrics.is_file() and metrics.read_text().count("\n") > 1)
    child.send_signal(signal.SIGINT)
    printed = "".join(child.communicate(timeout=60))
    assert "the same command goes on from here" in printed and "Traceback" not in printed
    stopped = int(printed.split("stopped at step ")[1].split(";")[0])
    assert 0 < stopped < 150 and child.returncode == 130
    assert (out / "ar.safetensors").is_file(), "what there is can be used"
    again = subprocess.run(command(corpus, out), cwd=ROOT, text=True, capture_output=True,
                           timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    assert f"at step {stopped}" in again.stdout + again.stderr
    steps = [int(record["step"]) for record in records(out) if "train/loss" in record]
    assert steps == list(range(10, 151, 10))


@pytest.mark.parametrize("stage", ["ar", "nar"])
def test_a_trained_model_goes_on_with_other_data(stage: str, corpus: Corpus, tmp_path: Path,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    from valle.cli import run
    from valle.model.checkpoint import load_ar, load_nar, save_ar

    first, then = tmp_path / "first", tmp_path / "then"
    given = [stage, f"--data={corpus.prepared}", "--held-out", "held",
             "--tokens-per-batch=900", "--max-concat=2", "--device=cpu", "--lr=0.001"]
    shape = ["--size=tiny", "--d-ff=48", *(["--n-codebooks=3"] if stage == "nar" else [])]
    assert run("train", [*given, *shape, f"--out={first}", "--steps=3"], "train.py") == 0
    assert run("train", [*given, f"--init={first}", f"--out={then}", "--steps=1",
                         "--warmup=1000000000"], "train.py") == 0
    load = load_ar if stage == "ar" else load_nar
    (a, phones, codec), (b, phones_then, codec_then) = load(first), load(then)
    assert a.config == b.config and phones == phones_then and codec == codec_then
    for name, weight in a.state_dict().items():
        torch.testing.assert_close(b.state_dict()[name], weight, atol=1e-5, rtol=1e-3)
    if stage == "ar":
        save_ar(first, a, phones, "another")
        capsys.readouterr()
        assert run("train", [*given, f"--init={first}", f"--out={tmp_path / 'no'}", "--steps=1"],
                   "train.py") == 1
        assert "learned codes of codec another" in capsys.readouterr().err


def test_mistakes_are_one_line(corpus: Corpus, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    from valle.cli import run

    for stage, data, more, advice in (
            ("ar", tmp_path, [], "valle prepare"), ("codec", tmp_path, [], "no audio below"),
            ("ar", corpus.prepared, ["--size=huge"], "--size"),
            ("ar", corpus.prepared, ["--schedule=up"], "--schedule"),
            ("ar", corpus.prepared, ["--layout=round"], "--layout"),
            ("nar", corpus.prepared, ["--n-codebooks=1"], "--n-codebooks"),
            ("nar", corpus.prepared, ["--n-codebooks=4"], "the data has 3"),
            ("nar", corpus.prepared, ["--n-codebooks=3", "--held-out", "hold"],
             "no speaker is called so; there are anna, ben, held"),
            ("codec", corpus.root, ["--held-out", "hold"], "no part of a path is called so"),
            ("aligner", corpus.prepared, ["--held-out", "*"], "nothing to train on"),
            ("ar", corpus.prepared, ["--max-seconds=0.1"], "nothing to train on"),
            ("ar", corpus.prepared, [f"--vocabulary={tmp_path}"], "neither an AR nor a NAR"),
            ("ar", corpus.prepared, ["--held-out", "@/nowhere"], "/nowhere"),
            ("ar", corpus.prepared, ["--steps=0"], "--steps")):
        out = tmp_path / "out"
        given = [f"--data={data}", f"--out={out}", "--steps=2", "--held-out", "held",
                 "--stage", stage, *more]
        assert run("train", given, "train.py") == 1
        printed = capsys.readouterr().err.splitlines()[-1]
        assert printed.startswith("train.py: ") and advice in printed
        assert not out.exists()
