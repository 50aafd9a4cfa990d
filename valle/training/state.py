"""Training state in one safetensors file: weights, optimizer moments, step, counters. No pickle."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from codec.files import atomic_path


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    skipped: int = 0
    seconds: float = 0.0
    units: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def save_state(path: Path, modules: nn.ModuleDict,
               optimizers: dict[str, torch.optim.Optimizer], progress: Progress) -> None:
    """Write everything a run needs to go on exactly; the file is whole or absent."""
    tensors = {f"model/{k}": v.detach().clone() for k, v in modules.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{name}/{index}/{k}": torch.as_tensor(v).detach().clone()
                        for k, v in values.items()}
    tensors = {k: v.contiguous() for k, v in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"progress": json.dumps(vars(progress))})


def load_state(path: Path, modules: nn.ModuleDict,
               optimizers: dict[str, torch.optim.Optimizer]) -> Progress:
    """Restore what `save_state` wrote.

    Raises:
        ValueError: the file is damaged or belongs to a model of another shape.
    """
    weights: dict[str, torch.Tensor] = {}
    moments: dict[str, dict[int, dict[str, torch.Tensor]]] = {name: {} for name in optimizers}
    try:
        with safe_open(path, "pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            for key in file.keys():  # noqa: SIM118 - not a dict
                kind, rest = key.split("/", 1)
                if kind == "model":
                    weights[rest] = file.get_tensor(key)
                else:
                    name, index, slot = rest.split("/")
                    moments[name].setdefault(int(index), {})[slot] = file.get_tensor(key)
        modules.load_state_dict(weights)
        for name, optimizer in optimizers.items():
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments[name], "param_groups": groups})
    except Exception as error:
        raise ValueError(f"cannot resume from {path}: {error}; start a new --out folder or "
                         "repeat the options of the first start") from error
    return progress


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: not on norms, biases and embeddings."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            matrix = isinstance(module, nn.Linear) and name == "weight"
            (decayed if matrix else others).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0}]
