"""A trained part in a folder: model.json says what it is, NAME.safetensors holds its weights."""
from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from codec.record import part_of, read_record, write_part
from codec.weights import load_weights, save_weights

Part = TypeVar("Part")
Network = TypeVar("Network", bound=nn.Module)


def save_part(folder: str | Path, name: str, record: Mapping[str, Any],
              tensors: Mapping[str, torch.Tensor], precision: str) -> None:
    """Write weights (precision as in `save_weights`) and record, each whole or not at all."""
    save_weights(Path(folder) / f"{name}.safetensors", tensors, precision)
    write_part(folder, name, record)


def load_part(folder: str | Path, name: str,
              build: Callable[[dict[str, Any], dict[str, torch.Tensor]], Part], advice: str,
              ) -> Part:
    """What `build` makes of the record and the tensors.

    Args:
        advice: ends the message when there is no such part: how to get one.

    Raises:
        FileNotFoundError: one of the files is missing.
        ValueError: a file is damaged, or build cannot use it.
    """
    try:
        record = read_record(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no {name} in {folder}: {advice}") from error
    if name not in record:
        raise FileNotFoundError(f"no {name} in {folder}: {advice}")
    tensors = load_weights(Path(folder) / f"{name}.safetensors")
    try:
        return build(part_of(record, name), tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        cause = textwrap.shorten(str(error), 200)
        raise ValueError(f"{folder} holds a damaged or foreign {name}: {cause}") from error


class _Unfilled(TorchFunctionMode):
    """Leaves out what torch would load a second of code for on "meta": numbers nobody reads."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("normal_", "uniform_", "trunc_normal_"):
            return args[0] if args else kwargs["tensor"]
        if getattr(func, "__name__", "") == "hann_window":
            return torch.empty(args[0])
        return func(*args, **(kwargs or {}))


def network(make: Callable[[], Network], tensors: Mapping[str, torch.Tensor],
            unsaved: tuple[str, ...] = ()) -> Network:
    """A network with the tensors as its weights, ready for use.

    Nothing is computed, and no memory taken, before all shapes are known to be right.

    Args:
        unsaved: ends of the names of tensors that no file holds; they stay as they are made.

    Raises:
        ValueError: a tensor is missing, is too many or has another shape.
    """
    with torch.device("meta"), _Unfilled():
        wanted = {name: tuple(tensor.shape) for name, tensor in make().state_dict().items()
                  if not name.endswith(unsaved or "\0")}
    for name in sorted({*wanted, *tensors}):
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != wanted.get(name):
            raise ValueError(f"the tensor {name[:80]} has the shape {found}, not "
                             f"{wanted.get(name)}")
    model = make()
    model.load_state_dict(dict(tensors), strict=False)
    return model.eval().requires_grad_(False)
