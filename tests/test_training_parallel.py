"""Training in several processes: the same batches, the same losses, and one fails for all."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Corpus

ROOT = Path(__file__).parents[1]
STEPS, BATCHES, LIMIT = 10, 6, 600  # the last in seconds, on a machine with much else to do
pytestmark = pytest.mark.slow


def speech(corpus: Corpus, out: Path, *more: str) -> list[str]:
    return ["ar", f"--data={corpus.prepared}", f"--out={out}", "--held-out=held", "--size=tiny",
            "--warmup=5", "--schedule=constant", "--lr=0.003", "--tokens-per-batch=900",
            "--max-concat=2", "--dropout=0.1", f"--accumulate={BATCHES}", "--threads=1",
            "--device=cpu", "--log-every=1", *more]


def in_processes(*jobs: tuple[int, list[str]]) -> str:
    """Run trainings in so many processes each; what they print."""
    done = subprocess.run([sys.executable, "-B", "tests/replicas.py", json.dumps(jobs)], cwd=ROOT,
                          text=True, capture_output=True, timeout=LIMIT, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    return done.stderr


def curve(out: Path, key: str = "train/loss") -> list[Any]:
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [record[key] for record in records if "train/loss" in record and key in record]


@pytest.mark.slow
def test_one_two_and_three_processes_learn_alike(corpus: Corpus, tmp_path: Path) -> None:
    """So does a run that goes on in three after two; batches of unequal weight count by it."""
    whole = f"--steps={STEPS}"
    printed = in_processes(
        *((n, speech(corpus, tmp_path / str(n), whole)) for n in (1, 2, 3)),
        (2, speech(corpus, tmp_path / "moved", f"--steps={STEPS // 2}")),
        (3, speech(corpus, tmp_path / "moved", whole)))
    alone = curve(tmp_path / "1")
    assert alone[-1] < 0.9 * alone[0], "it learns"
    for name in ("2", "3", "moved"):
        assert curve(tmp_path / name) == pytest.approx(alone, rel=1e-3), name
        assert curve(tmp_path / name, "units") == curve(tmp_path / "1", "units"), "other batches"
        assert [p.name for p in (tmp_path / name).glob("best/*.safetensors")] == ["ar.safetensors"]
    assert printed.count(f"resuming {tmp_path / 'moved'} at step {STEPS // 2}") == 1, "said once"


@pytest.mark.slow
def test_two_optimizers_and_a_quantizer_stay_together(corpus: Corpus, tmp_path: Path) -> None:
    """Codebooks follow the latents of all processes; before they start, losses are the same."""
    def codec(out: str) -> list[str]:
        return ["codec", f"--data={corpus.root}", f"--out={tmp_path / out}", "--held-out=held",
                "--steps=6", "--warmup=2", "--accumulate=2", "--batch-size=3", "--frames=30",
                "--discriminator-batch=1", "--unquantized-share=0.34", "--threads=1",
                "--discriminator-from=0.17", "--device=cpu", "--log-every=1"]

    in_processes((1, codec("1")), (2, codec("2")))
    alone, both = curve(tmp_path / "1"), curve(tmp_path / "2")
    assert both[:2] == pytest.approx(alone[:2], rel=5e-3)
    assert both == pytest.approx(alone, rel=0.1), "the codebooks step once and not twice"
    judged, judged_by_both = (curve(tmp_path / n, "train/discriminator") for n in ("1", "2"))
    assert len(judged) == 5 and judged_by_both == pytest.approx(judged, rel=0.1)


@pytest.mark.slow
def test_torchrun_ends_when_a_process_dies_and_the_run_goes_on_alone(corpus: Corpus,
                                                                     tmp_path: Path) -> None:
    def torchrun(*more: str) -> list[str]:
        return [sys.executable, "-B", "-m", "torch.distributed.run", "--standalone",
                "--nproc-per-node=2", "train.py", *speech(corpus, tmp_path, *more)]

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(torchrun("--steps=9999", "--save-minutes=0"), cwd=ROOT, env=environment,
                          stderr=subprocess.PIPE, text=True) as agent:
        end = time.monotonic() + LIMIT
        while not (tmp_path / "checkpoint.safetensors").is_file():
            assert time.monotonic() < end and agent.poll() is None
            time.sleep(0.1)
        workers = [int(pid) for pid in
                   Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()]
        os.kill(workers[1], signal.SIGKILL)
        agent.communicate(timeout=LIMIT)
    assert agent.returncode and not any(Path(f"/proc/{pid}").exists() for pid in workers)
    done = len(curve(tmp_path))
    printed = in_processes((1, speech(corpus, tmp_path, f"--steps={done + 2}")))
    assert "resuming" in printed and len(curve(tmp_path)) == done + 2
    refused = subprocess.run(torchrun("--steps=9999", "--accumulate=3"), cwd=ROOT, text=True,
                             env=environment, capture_output=True, timeout=LIMIT, check=False)
    assert refused.returncode and ("train.py: --accumulate 3: 2 processes share the batches of a "
                                   "step, give a multiple of that") in refused.stderr
