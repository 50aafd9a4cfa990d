"""A trained part in a folder: NAME.json says what it is, NAME.safetensors holds its weights."""
from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from codec.files import atomic_path
from codec.weights import load_weights, save_weights

Part = TypeVar("Part")


def save_part(folder: str | Path, name: str, record: Mapping[str, Any],
              tensors: Mapping[str, torch.Tensor], precision: str) -> None:
    """Write both files (precision as in `save_weights`), each whole or not at all."""
    save_weights(Path(folder) / f"{name}.safetensors", tensors, precision)
    with atomic_path(Path(folder) / f"{name}.json") as path:
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


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
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"no {name}.json in {folder}: {advice}")
    tensors = load_weights(path.with_suffix(".safetensors"))
    try:
        return build(json.loads(path.read_text(encoding="utf-8")), tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        cause = textwrap.shorten(str(error), 200)
        raise ValueError(f"{folder} holds a damaged or foreign {name}: {cause}") from error
