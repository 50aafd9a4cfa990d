"""Runs of training as people make them: stopped, doubled, damaged, with other data."""
from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, SENTENCES, Corpus, vowel
from safetensors.torch import load_file

from g2p import phonemize
from valle.cli import run
from valle.data.lock import LOCK, locked
from valle.training.loop import fit
from valle.training.stage import LoopConfig, Loss
from valle.training.state import BEFORE, CHECKPOINT, Progress, resume, save_state

pytestmark = pytest.mark.usefixtures("no_tensorboard")
ROOT = Path(__file__).parents[1]


def command(corpus: Corpus, out: Path, *more: str) -> list[str]:
    return ["ar", f"--data={corpus.prepared}", f"--out={out}", "--held-out", "held",
            "--size=tiny", "--steps=9999", "--warmup=5", "--tokens-per-batch=900",
            "--max-concat=2", "--threads=1", "--device=cpu", "--validate-every=9999", *more]


def started(corpus: Corpus, out: Path) -> subprocess.Popen[str]:
    """A run that has made its first steps, in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-B", "train.py", *command(corpus, out)], cwd=ROOT, text=True,
        stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    metrics = out / "metrics.jsonl"
    wait_for(lambda: metrics.is_file() and bool(metrics.read_text()))
    return child


def wait_for(done: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


# --- signals and locks ---------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_leaves_with_its_number(number: signal.Signals, corpus: Corpus,
                                                   tmp_path: Path) -> None:
    child = started(corpus, tmp_path / "out")
    child.send_signal(number)
    _, printed = child.communicate(timeout=120)
    assert child.returncode == 128 + number and "the same command goes on from here" in printed
    assert {CHECKPOINT, "ar.safetensors"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert not (tmp_path / "out" / LOCK).exists()


def test_a_second_run_is_refused_and_a_dead_one_forgotten(
        corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    child = started(corpus, out)
    assert run("train", command(corpus, out), "train.py") == 1
    error = capsys.readouterr().err
    assert f"process {child.pid}" in error and "training" in error and str(out) in error
    assert run("prepare", [str(corpus.root), str(out)], "valle prepare") == 1
    assert f"process {child.pid}" in capsys.readouterr().err
    child.kill()
    child.communicate()
    assert (out / LOCK).exists(), "what a killed process leaves"
    assert run("train", [*command(corpus, out)[:-8], "--size=tiny", "--steps=2", "--threads=1",
                         "--device=cpu", "--tokens-per-batch=900"], "train.py") == 0


def test_a_lock_is_gone_with_its_block_and_so_is_a_folder_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked(tmp_path / "new", "testing"):
        raise KeyError
    assert not (tmp_path / "new").exists()
    for _ in range(2):
        with locked(tmp_path, "testing"):
            assert (tmp_path / LOCK).exists()
            with pytest.raises(ValueError, match="has been testing in it"), locked(tmp_path, "x"):
                pass
    assert list(tmp_path.iterdir()) == []


# --- checkpoints ---------------------------------------------------------------------------------

def state(folder: Path, steps: int) -> torch.nn.ModuleDict:
    """A folder with a checkpoint of each step."""
    modules = torch.nn.ModuleDict({"a": torch.nn.Linear(40, 40)})
    for step in range(1, steps + 1):
        with torch.no_grad():
            modules["a"].weight.fill_(step)
        save_state(folder, modules, {}, Progress(step, labels={"phones": ["a", "b"]}))
    return modules


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda p: os.truncate(p, p.stat().st_size - 100),
    "cut to half": lambda p: os.truncate(p, p.stat().st_size // 2),
    "empty": lambda p: p.write_bytes(b""),
    "gone": lambda p: p.unlink(),
    "zeros": lambda p: p.write_bytes(bytes(p.stat().st_size)),
    "zeros in its tensors": lambda p: p.write_bytes(p.read_bytes()[:-4096] + bytes(4096)),
    "noise": lambda p: p.write_bytes(random.Random(0).randbytes(9000)),
    "one bit of a tensor": lambda p: flip(p, p.stat().st_size - 5),
    "one bit of its header": lambda p: flip(p, 12),
    "text": lambda p: p.write_text("<html>404</html>"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
        damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    modules = state(tmp_path, 3)
    DAMAGES[damage](tmp_path / CHECKPOINT)
    progress = resume(tmp_path, modules, {}, {})
    assert progress and progress.step == 2 and (modules["a"].weight == 2).all()
    assert damage == "gone" or "going on from the checkpoint before" in capsys.readouterr().err
    if damage != "gone":
        DAMAGES[damage](tmp_path / BEFORE)
        with pytest.raises(ValueError, match=r"checkpoint.safetensors is damaged .* new --out"):
            resume(tmp_path, modules, {}, {})


@pytest.mark.parametrize("given, said", [
    (["a", "c"], r"1 are not in --data, such as 'b'; 1 are new, such as 'c'"),
    (["b", "a"], "the same in another order"), (["a", "b", "c"], "1 are new"),
    (["a"], "1 are not in --data")])
@pytest.mark.parametrize("kind", ["phones", "codec", "speakers"])
def test_a_resume_never_changes_what_the_weights_stand_for(
        kind: str, given: list[str], said: str, tmp_path: Path) -> None:
    modules = torch.nn.ModuleDict({"a": torch.nn.Linear(4, 4)})
    save_state(tmp_path, modules, {}, Progress(1, labels={kind: ["a", "b"]}))
    with pytest.raises(ValueError, match=rf"has learned other {kind} \({said}"):
        resume(tmp_path, modules, {}, {kind: given})
    assert resume(tmp_path, modules, {}, {kind: ["a", "b"]})


@pytest.mark.parametrize("stage", ["ar", "nar", "aligner"])
def test_a_run_with_data_of_other_phones_is_refused(stage: str, corpus: Corpus, tmp_path: Path,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    """As many phones, but others: every stage that learns phones says so, and nothing changes."""
    other = tmp_path / "other"
    shutil.copytree(corpus.prepared, other)
    text = (other / "manifest.jsonl").read_text(encoding="utf-8")
    (other / "manifest.jsonl").write_text(text.replace('"s"', '"ʃ"'), encoding="utf-8")
    own = [] if stage == "aligner" else ["--size=tiny", "--tokens-per-batch=900"]
    own += ["--n-codebooks=3"] if stage == "nar" else []
    given = [stage, f"--out={tmp_path / 'out'}", "--held-out", "held", "--device=cpu", *own]
    assert run("train", [*given, f"--data={corpus.prepared}", "--steps=1"], "train.py") == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert run("train", [*given, f"--data={other}", "--steps=2"], "train.py") == 1
    printed = capsys.readouterr().err
    assert "has learned other phones" in printed and "'s'" in printed
    assert before == {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    if stage != "aligner":
        assert run("train", [*given, f"--data={other}", "--steps=2",
                             f"--vocabulary={tmp_path / 'out'}"], "train.py") == 0


@pytest.mark.parametrize("stage", ["ar", "nar"])
@pytest.mark.parametrize("change", ["layout", "language", "codec"])
def test_a_run_with_other_options_or_data_of_the_same_shape_is_refused(
        stage: str, change: str, corpus: Corpus, tmp_path: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing about the weights' shapes tells them apart."""
    other = tmp_path / "other"
    shutil.copytree(corpus.prepared, other)
    if change == "language":
        text = (other / "manifest.jsonl").read_text(encoding="utf-8")
        (other / "manifest.jsonl").write_text(text.replace('"en-us"', '"de"'), encoding="utf-8")
    if change == "codec":
        info = json.loads((other / "prepared.json").read_text())
        (other / "prepared.json").write_text(json.dumps({**info, "codec": "another"}))
    given = [stage, f"--out={tmp_path / 'out'}", "--held-out", "held", "--device=cpu",
             "--size=tiny", "--tokens-per-batch=900", *(["--n-codebooks=3"] * (stage == "nar"))]
    assert run("train", [*given, f"--data={corpus.prepared}", "--steps=1"], "train.py") == 0
    code = run("train", [*given, f"--data={other}", "--steps=2",
                         *(["--layout=plain"] * (change == "layout"))], "train.py")
    known = stage == "nar" and change == "language"  # a NAR is not told the language
    assert code == (0 if known else 1)
    assert known or f"has learned other {change}" in capsys.readouterr().err


# --- the loop ------------------------------------------------------------------------------------

class Duel:
    """Two modules that learn from each other's losses; notes what is asked of it in which order."""

    name, unit, clip, best = "duel", "steps", 1e9, "valid/x"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.modules = torch.nn.ModuleDict({n: torch.nn.Linear(3, 3) for n in ("maker", "judge")})
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            n: torch.optim.SGD(m.parameters(), lr=0.1) for n, m in self.modules.items()}
        self.labels: dict[str, list[str]] = {}
        self.seen: list[torch.Tensor] = []

    def batch(self, index: int) -> dict[str, list[torch.Tensor]]:
        rng = torch.Generator().manual_seed(index)
        return {"x": [torch.randn(4, 3, generator=rng)]}

    def losses(self, batch, step):  # type: ignore[no-untyped-def]
        made = self.modules["maker"](batch["x"][0])
        yield Loss(self.modules["judge"](made.detach()).float().mean(), 0.0, {}, "judge",
                   weight=len(made))
        self.seen.append(self.modules["judge"].weight.detach().clone())
        yield Loss(-self.modules["judge"](made).float().mean(), 4.0, {"train/x": 1.0}, "maker",
                   weight=len(made))

    def validate(self) -> dict[str, float]:
        assert not torch.is_grad_enabled() and not self.modules.training
        return {"valid/x": 1.0}

    def sample(self) -> dict[str, torch.Tensor]:
        return {}

    def export(self, folder: Path) -> None:
        pass


def test_each_loss_moves_its_own_module_before_the_next_is_asked_for(tmp_path: Path) -> None:
    stage, untouched = Duel(), Duel()
    fit(stage, LoopConfig(tmp_path, 1, warmup=0, device="cpu", validate_every=1), {})
    judge = stage.modules["judge"].weight
    assert torch.equal(stage.seen[0], judge), "it had learned, and the maker's loss left it alone"
    assert not torch.equal(judge, untouched.modules["judge"].weight)
    assert not torch.equal(stage.modules["maker"].weight, untouched.modules["maker"].weight)


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    """The judge steps once for both parts, and all five samples count alike."""
    parted, whole = Duel(), Duel()
    halves = [whole.batch(0)["x"][0], whole.batch(1)["x"][0][:1] + 2]
    parted.batch = lambda index: {"x": [halves[index]]}  # type: ignore[method-assign]
    whole.batch = lambda index: {"x": [torch.cat(halves)]}  # type: ignore[method-assign]
    for stage, accumulate in ((parted, 2), (whole, 1)):
        fit(stage, LoopConfig(tmp_path / str(accumulate), 1, warmup=0, device="cpu",
                              accumulate=accumulate), {})
    a, b = (load_file(tmp_path / n / CHECKPOINT) for n in ("1", "2"))
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=1e-2, rtol=1e-2)
    assert len(parted.seen) == 2 and torch.equal(parted.seen[0], parted.seen[1])


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_best_validation_is_kept(tmp_path: Path) -> None:
    stage, found = Duel(), iter([3.0, float("nan"), 1.0, 2.0])
    stage.validate = lambda: {"valid/x": next(found)}  # type: ignore[method-assign]
    stage.export = lambda folder: save_state(  # type: ignore[method-assign]
        folder, stage.modules, {}, Progress())
    done = fit(stage, LoopConfig(tmp_path, 8, device="cpu", validate_every=2), {})
    assert (done.best, done.best_step) == (1.0, 6)
    best, last = (load_file(tmp_path / name / CHECKPOINT) for name in ("best", "."))
    assert not any(torch.equal(best[key], last[key]) for key in best if "weight" in key)


@pytest.mark.parametrize("steps", [2, 4])
def test_a_signal_breaks_off_a_validation_that_the_next_run_does_again(
        steps: int, tmp_path: Path) -> None:
    """In the middle of a run and after its last step."""
    stage, config = Duel(), LoopConfig(tmp_path, steps, device="cpu", validate_every=2, log_every=1)

    def validate() -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        return {}

    stage.validate = validate  # type: ignore[method-assign]
    began = time.monotonic()
    stopped = fit(stage, config, {})
    assert (stopped.step, stopped.signal) == (2, signal.SIGTERM) and time.monotonic() - began < 10
    assert fit(Duel(), config, {}).step == steps
    assert [(m["step"], "valid/x" in m) for m in metrics(tmp_path)] == [
        (1, False), (2, False), (2, True), (3, False), (4, False), (4, True)][: 3 * steps // 2]
    assert fit(stage, config, {}).signal == 0, "it is trained: nothing is validated again"


def test_what_a_step_takes_is_logged(tmp_path: Path) -> None:
    stage, make = Duel(), Duel().batch

    def slowly(index: int) -> dict[str, list[torch.Tensor]]:
        time.sleep(0.05)
        return make(index)

    stage.batch = slowly  # type: ignore[method-assign]
    fit(stage, LoopConfig(tmp_path, 2, device="cpu", log_every=1, peak_tflops=1e-9), {})
    *_, last = (m for m in metrics(tmp_path) if "train/loss" in m)
    assert 0.3 < last["speed/data_stall"] <= 1 and last["train/x"] == 1
    assert 1 < last["speed/units_per_second"] < 4 / 0.05
    products = 3 + 4  # of 4 x 3 and 3 x 3, forward and backward
    flops_per_unit = products * 2 * 4 * 9 / 4
    assert last["speed/mfu"] == pytest.approx(
        flops_per_unit * last["speed/units_per_second"] / 1e3, rel=1e-3)


def test_wandb_is_asked_for_by_a_flag_and_named_where_it_is_missing(
        corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert run("train", command(corpus, tmp_path / "out", "--wandb=mine"), "train.py") == 1
    assert "pip install 'valle[wandb]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_lines_tell_of_progress_where_there_is_no_terminal(tmp_path: Path,
                                                           capsys: pytest.CaptureFixture[str],
                                                           ) -> None:
    fit(Duel(), LoopConfig(tmp_path, 3, warmup=0, device="cpu"), {})
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("duel: 0 of 3 steps, 0 %") and "left" in lines[0]
    assert lines[-1].startswith("duel: 3 of 3 steps, 100 %") and "loss" in lines[-1]
    assert all("\r" not in line and len(line) < 120 for line in lines)


# --- one person's recordings ---------------------------------------------------------------------

@pytest.mark.parametrize("stage", ["codec", "aligner", "ar", "nar", "recognizer"])
def test_a_flat_folder_of_one_voice_can_be_trained_on(stage: str, corpus: Corpus, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for i in range(12):
        text = SENTENCES[i % len(SENTENCES)]
        samples, ends = vowel(phonemize(text), 100.0 + 5 * i)
        times = 3 if stage in ("codec", "recognizer") else 1
        soundfile.write(mine / f"{i}.wav", np.tile(samples, times), RATE)
        (mine / f"{i}.TXT").write_text(text)
        (mine / f"{i}.phones").write_text("".join(
            f"{p}\t{end}\n" for p, end in zip(phonemize(text), ends, strict=True)))
    data = mine
    if stage in ("aligner", "ar", "nar"):
        data = tmp_path / "prepared"
        assert run("prepare", [str(mine), str(data), f"--codec={corpus.codec}", "--workers=0"],
                   "valle prepare") == 0
    own = {"codec": ["--batch-size=3", "--frames=30", "--discriminator-from=1"],
           "aligner": ["--batch-size=3"], "recognizer": ["--width=16", "--blocks=2"]}.get(
               stage, ["--size=tiny", "--tokens-per-batch=900"])
    own += ["--n-codebooks=3"] if stage == "nar" else []
    assert run("train", [stage, f"--data={data}", f"--out={tmp_path / 'out'}", "--steps=1",
                         "--device=cpu", "--threads=1", *own], "train.py") == 0
    printed = capsys.readouterr().err
    assert "no --held-out: 1 of 12 clips are kept to validate on" in printed
    assert stage == "codec" or "the one speaker there is" in printed
    assert '"valid/' in (tmp_path / "out" / "metrics.jsonl").read_text()
