"""What a run writes down: metrics.jsonl beside the checkpoint, and TensorBoard."""
from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from codec.files import atomic_path
from valle.training.state import Progress

Metrics = dict[str, float]
Examples = dict[str, tuple[torch.Tensor, int]]  # by name: audio [N], and its samples per second


class Log:
    """metrics.jsonl; TensorBoard when it is installed; Weights & Biases when it is asked for."""

    def __init__(self, folder: Path, progress: Progress, wandb: str = "") -> None:
        """progress: where the run goes on; what was written past it is removed.

        wandb: a project of Weights & Biases, or "".
        """
        self.path = folder / "metrics.jsonl"
        self._drop_after(progress.step)
        self.wandb: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
            self.board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=progress.step)
        except ImportError:
            self.board = None
        if wandb:
            import wandb as service

            self.wandb = service.init(project=wandb, name=folder.resolve().name, dir=folder,
                                      id=progress.run, resume="allow", config=progress.settings)

    def _drop_after(self, step: int) -> None:
        """Remove lines past the checkpoint, and a line that a kill cut in half."""
        if not self.path.is_file():
            return
        lines = [line for line in self.path.read_text().splitlines() if line.endswith("}")]
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        with atomic_path(self.path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept))

    def write(self, progress: Progress, metrics: Metrics,
              audio: Examples | None = None) -> None:
        """A line of metrics; audio examples go to TensorBoard alone."""
        record = {"step": progress.step, "seconds": round(progress.seconds, 1),
                  "units": progress.units, "skipped": progress.skipped,
                  **{k: round(v, 5) if math.isfinite(v) else None for k, v in metrics.items()}}
        try:
            with open(self.path, "a") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:  # a full disk does not say where
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        if self.wandb is not None:
            self.wandb.log(metrics, step=progress.step)
        if self.board is None:
            return
        for key, value in metrics.items():
            self.board.add_scalar(key, value, progress.step)
        for key, (wav, rate) in (audio or {}).items():
            self.board.add_audio(key, wav.reshape(1, -1).clamp(-1, 1), progress.step, rate)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.board is not None:
            self.board.close()
        if self.wandb is not None:
            self.wandb.finish()
