"""Flags made from dataclasses: a field's name, type, default and docstring are all it takes.

    add_flags(parser, LoopConfig)              # --steps, --warmup ...
    loop = from_flags(parser.parse_args(), LoopConfig)

Fields are documented in the "Attributes:" section of their class. A field that several classes
share is one flag, and all of them get its value.
"""
from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
METAVARS: dict[Any, str] = {int: "N", float: "X", str: "NAME", Path: "FOLDER"}


def add_flags(parser: argparse.ArgumentParser, *kinds: type) -> None:
    """A flag for every field, in a group for every class.

    Raises:
        TypeError: a field has no documentation, or a type that flags cannot have.
    """
    seen: set[str] = set()
    for kind in kinds:
        docs, hints = field_docs(kind), typing.get_type_hints(kind)
        title = (inspect.getdoc(kind) or "").splitlines()[0].rstrip(".")
        group = parser.add_argument_group(title[:1].lower() + title[1:])
        for field in dataclasses.fields(kind):
            if field.name in seen:
                continue
            seen.add(field.name)
            if field.name not in docs:
                raise TypeError(f"{kind.__name__}.{field.name} is not documented")
            required = (field.default is dataclasses.MISSING
                        and field.default_factory is dataclasses.MISSING)
            text = docs[field.name].replace("%", "%%").rstrip(".")
            if not required and field.default not in ("", None, (), False):
                text += f"; default {field.default}"
            group.add_argument(f"--{field.name.replace('_', '-')}", required=required,
                               default=None if required else field.default, help=text,
                               **_form(hints[field.name], required))


def _form(hint: Any, required: bool) -> dict[str, Any]:
    """How argparse reads a type: bool, one value, value or None, or a tuple of them."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return {"type": inner, "nargs": "+" if required else "*", "metavar": METAVARS[inner]}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(t for t in typing.get_args(hint) if t is not type(None))
    if hint not in METAVARS:
        raise TypeError(f"{hint} cannot be a flag")
    return {"type": hint, "metavar": METAVARS[hint]}


def from_flags(options: argparse.Namespace, kind: type[T]) -> T:
    """The dataclass that `options` describe; ValueError where it refuses a value."""
    values = {field.name: getattr(options, field.name)
              for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def field_docs(kind: type) -> dict[str, str]:
    """What the docstring of a class says about each of its attributes."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    docs: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if not line.startswith("    "):
            break
        if found := re.fullmatch(r"    (\w+(?:, \w+)*): (.*)", line):
            names = found[1].split(", ")
            docs |= dict.fromkeys(names, found[2])
        else:
            docs |= {name: f"{docs[name]} {line.strip()}" for name in names}
    return docs
