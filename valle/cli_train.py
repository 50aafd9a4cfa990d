"""`train.py` and `valle train`: options of each training stage."""
from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

EPILOG = """stages, in order; each resumes when --out holds a checkpoint:
  codec    folders of audio -> a codec (text is not needed)
  aligner  prepared folders -> phone timings for real speech
  ar       prepared folders with codes -> codebook 1 from phones
  nar      prepared folders with codes -> codebooks 2..Q from codebook 1
"""


def add_fields(parser: argparse.ArgumentParser, config: type, skip: set[str]) -> None:
    """One flag per dataclass field, with the field's default."""
    group = parser.add_argument_group(config.__name__)
    for field in dataclasses.fields(config):
        if field.name not in skip:
            kind = {"int": int, "float": float, "str": str}[str(field.type)]
            group.add_argument("--" + field.name.replace("_", "-"), type=kind,
                               default=field.default, help=f"default {field.default}")


def pick(config: type, options: argparse.Namespace, **given: Any) -> Any:
    names = {f.name for f in dataclasses.fields(config)} - set(given)
    return config(**{n: getattr(options, n) for n in names}, **given)
