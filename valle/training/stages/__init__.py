"""What can be trained: every module here is a stage, and there is no other list of them.

A stage's module has CONFIGS, the dataclasses that become its flags, and

    build(data: Data, loop: LoopConfig, *configs) -> Stage

whose `configs` are one of each of CONFIGS. Its first line says what it learns from what.
"""
from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import ModuleType


def stages() -> dict[str, str]:
    """Name and first line of every stage; nothing is imported."""
    files = sorted(path for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
            .splitlines()[0] for path in files}


def load_stage(name: str) -> ModuleType:
    """The module of a stage."""
    return importlib.import_module(f"{__name__}.{name}")
