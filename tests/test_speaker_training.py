"""Stage `speaker`: it learns to tell voices apart, resumes exactly, and says what is wrong."""
from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stopping import interrupt_at
from voices import EXAMPLES, RATE, VOICES

from codec.audio import load_audio
from valle.cli import run
from valle.features.augment import Augmentation
from valle.speaker.encoder import ENCODERS
from valle.speaker.model import SpeakerConfig, SpeakerModel
from valle.training.loop import fit
from valle.training.run import Data
from valle.training.stage import LoopConfig
from valle.training.stages.speaker import SpeakerStage, SpeakerTraining
from valle.training.stages.speaker import build as build_stage

pytestmark = pytest.mark.usefixtures("no_tensorboard")
ROOT = Path(__file__).parents[1]
STEPS, STOP = 5, 3


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained encoder for triplets to start from."""
    folder = tmp_path_factory.mktemp("start")
    torch.manual_seed(0)
    SpeakerModel(SpeakerConfig("ecapa", 16)).save(folder, "float32")
    return folder


def build(voices: Path, phase: str, start: Path, weights: int = 0, **options: Any) -> SpeakerStage:
    """A stage of tiny size; in the softmax phase the same weights for the same number."""
    torch.manual_seed(weights)
    config = SpeakerTraining(**{"phase": phase, "batch_size": 6, "max_seconds": 0.6, "refresh": 2,
                                "init": str(start) if phase == "triplet" else "", **options})
    return build_stage(Data((voices,), ("held-*",)), LoopConfig(voices, 1), config,
                       SpeakerConfig("ecapa", 16))


@pytest.mark.parametrize("phase", ["softmax", "triplet"])
def test_a_resumed_run_equals_an_uninterrupted_one(phase: str, voices: Path, start: Path,
                                                   tmp_path: Path) -> None:
    def loop(name: str) -> LoopConfig:
        return LoopConfig(tmp_path / name, STEPS, warmup=1, log_every=1, validate_every=2)

    assert fit(build(voices, phase, start), loop("whole"), {}).step == STEPS
    stopped = fit(interrupt_at(build(voices, phase, start), STOP - 1), loop("parted"), {})
    assert stopped.step == STOP, "between two searches for negatives"
    assert fit(build(voices, phase, start, weights=9), loop("parted"), {}).step == STEPS
    a, b = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "parted"))
    assert a.keys() == b.keys() and any("bank" in k for k in a) == (phase == "triplet")
    assert all(torch.equal(a[k], b[k]) for k in a)
    for file in ("model.json", "speaker.safetensors"):
        whole, parted = ((tmp_path / name / file).read_bytes() for name in ("whole", "parted"))
        assert whole == parted
    records = [json.loads(line) for line in (tmp_path / "whole/metrics.jsonl").open()]
    last = records[-1]
    assert 0 <= last["valid/eer"] <= 1 and -1 <= last["valid/other_cosine"] <= 1


def cosines(folder: Path) -> tuple[float, float]:
    """(least cosine of two halves of a voice, greatest of halves of different voices)."""
    encoder = ENCODERS.load(str(folder))
    halves = {(name, i): encoder(half, RATE) for name in VOICES for i, half in enumerate(
        np.array_split(load_audio(EXAMPLES / f"{name}.wav", RATE), 2))}
    pairs = [(a[0] == b[0], float(halves[a] @ halves[b])) for a, b in combinations(halves, 2)]
    return min(c for same, c in pairs if same), max(c for same, c in pairs if not same)


@pytest.mark.slow
def test_it_learns_to_tell_the_three_voices_apart(voices: Path, start: Path,
                                                  tmp_path: Path) -> None:
    """First by classification, then by triplets; on clean speech, which is learned in seconds."""
    same, other = cosines(start)
    assert same < other, "the untrained encoder does not know them"
    trained = start
    for phase, steps in (("softmax", 50), ("triplet", 15)):
        stage = build(voices, phase, trained, lr=3e-3, speed_keeps_speaker=True, batch_size=9,
                      max_seconds=1.0, margin_steps=1)
        stage.augmentation = stage.pieces.augmentation = Augmentation(0, reverberation=0,
                                                                      time_mask=0, frequency_mask=0)
        trained = tmp_path / phase
        fit(stage, LoopConfig(trained, steps, warmup=5, validate_every=100), {})
        same, other = cosines(trained)
        assert same > other + 0.2, (phase, same, other)


def test_batches_follow_from_seed_and_step_and_speeds_are_speakers(voices: Path,
                                                                   start: Path) -> None:
    stage, again = build(voices, "softmax", start), build(voices, "softmax", start)
    for step in (3, 0, 3):
        (features, speakers, seconds), (same, others, _) = stage.batch(step), again.batch(step)
        assert torch.equal(features, same) and torch.equal(speakers, others)
        assert seconds == pytest.approx(3.6) and len(features) == 6
        assert bool(features.isfinite().all())
    seen = {int(s) for step in range(8) for s in stage.batch(step)[1]}
    assert seen == set(range(9)), "three voices at three speeds"
    kept = build(voices, "softmax", start, speed_keeps_speaker=True)
    assert {int(s) for step in range(8) for s in kept.batch(step)[1]} == {0, 1, 2}


def test_triplets_are_of_one_speaker_and_of_another(voices: Path, start: Path) -> None:
    stage = build(voices, "triplet", start)
    drawn: list[int] = []
    draw = stage.pieces.draw
    stage.pieces.draw = (  # type: ignore[method-assign]
        lambda i, rng, speed=1.0: drawn.append(i) or draw(i, rng, speed))
    list(stage.losses(stage.batch(0), 0))
    anchors, positives, negatives = (drawn[i: i + 6] for i in (0, 6, 12))
    speaker = stage.pieces.speaker
    assert all(speaker[a] == speaker[p] and a != p for a, p in zip(anchors, positives, strict=True))
    assert all(speaker[a] != speaker[n] for a, n in zip(anchors, negatives, strict=True))
    assert stage.bank is not None and torch.bincount(stage.bank.speakers).tolist() == [4, 4, 4]


@pytest.mark.slow
def test_the_command_trains_and_evaluates_what_it_trained(voices: Path, tmp_path: Path) -> None:
    out = tmp_path / "encoder"
    command = [sys.executable, "-B", "train.py", "--stage=speaker", f"--data={voices}",
               "--held-out", "held-*", "--steps=2", "--channels=16", "--batch-size=4",
               "--max-seconds=0.6", "--head=am", f"--out={out}", "--threads=1", "--device=cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "3 speakers, 2 held out" in done.stdout + done.stderr
    given = ["speaker", "--model", str(out), "--data", str(voices), "--out", str(tmp_path / "e")]
    assert run("evaluate", given, "valle evaluate") == 0
    assert f"| {out} | 192 |" in (tmp_path / "e" / "speaker.md").read_text()


def test_mistakes_are_one_line(voices: Path, start: Path, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    for more, advice in (
            (["--model=x-vector"], "--model x-vector: choose ecapa"),
            (["--channels=12"], "--channels 12"), (["--head=arc"], "--head arc: choose"),
            (["--phase=pairs"], "--phase pairs: choose softmax or triplet"),
            (["--phase=triplet"], "give --init"),
            (["--phase=triplet", f"--init={tmp_path}"], "no speaker in"),
            (["--batch-size=1"], "--batch-size"), (["--max-seconds=0.1"], "--max-seconds"),
            (["--held-out"], "--held-out must name two or more"),
            (["--held-out", "*"], "0 speakers with at most 0 clips to train on"),
            ([f"--data={tmp_path}/none"], "no corpus folder at")):
        given = ["--stage=speaker", f"--data={voices}", f"--out={tmp_path}/out", "--steps=2",
                 "--held-out", "held-*", "--device=cpu", *more]
        assert run("train", given, "train.py") == 1
        printed = capsys.readouterr().err.splitlines()[-1]
        assert printed.startswith("train.py: ") and advice in printed
        assert not (tmp_path / "out").exists()
