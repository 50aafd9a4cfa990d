"""Weights on disk: safetensors in full, half or eight-bit precision; always float32 in memory."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from codec.files import atomic_path

PRECISIONS = ("float32", "float16", "int8")
SCALE = "|scale"  # suffix of the row scales of an int8 matrix


def save_weights(path: str | Path, tensors: Mapping[str, torch.Tensor], precision: str) -> None:
    """Write tensors, whole or not at all.

    int8 keeps matrices as bytes with one scale for each row (largest value = 127) and everything
    else in half precision. Saving what was loaded from int8 gives the same file again.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: choose one of {', '.join(PRECISIONS)}")
    stored: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().float()
        if precision == "int8" and tensor.dim() >= 2 and tensor.numel() >= 1024:
            rows = tensor.flatten(1)
            scale = (rows.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-7).half()
            stored[name] = (rows / scale.float()).round().clamp(-127, 127).to(torch.int8).view_as(
                tensor)
            stored[name + SCALE] = scale
        else:
            stored[name] = tensor if precision == "float32" else tensor.half()
    with atomic_path(path) as temporary:
        save_file({k: v.contiguous() for k, v in stored.items()}, temporary)


def load_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read what `save_weights` wrote, as float32.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a safetensors file, cut short, or with NaN or infinity in it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    try:
        stored = load_file(path)
    except Exception as error:
        raise ValueError(f"{path} is damaged or not a safetensors file ({error}); "
                         "copy it again") from error
    loaded = {name: tensor.float() if name + SCALE not in stored
              else (tensor.flatten(1).float() * stored[name + SCALE].float()).view_as(tensor)
              for name, tensor in stored.items() if not name.endswith(SCALE)}
    for name, tensor in loaded.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{path} is damaged ({name} holds NaN or infinity); copy it again")
    return loaded
