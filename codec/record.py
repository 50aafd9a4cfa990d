"""model.json: what a folder of weights is. Every value is checked when it is read.

    {"format": 1, "sampling": {...}, "vocabulary": {...}, "trained_on": "identity of the codec",
     "codec": {...}, "ar": {"config": {...}}, "nar": {"config": {...}}, "aligner": {...}}

A folder may hold all parts of a model, or one. What parts have in common stands once, above them.
"""
from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Set
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from codec.files import atomic_path

FORMAT = 1
NAME = "model.json"
HUGE = 1e300  # whole numbers of JSON have no largest
LARGEST = 1 << 24  # bytes: a vocabulary of a hundred thousand phones
COMMON = ("vocabulary", "trained_on")
PARTS = ("codec", "ar", "nar", "aligner", "recognizer", "phones", "speaker")

Config = TypeVar("Config")


def read_json(path: Path) -> dict[str, Any]:
    """An object in a JSON file (UTF-8, with or without a byte order mark).

    Raises:
        FileNotFoundError: no such file.
        ValueError: something else, or over 16 MiB of it.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} is {path.stat().st_size / 2 ** 20:.0f} MiB long: it is no record "
                         "of a model; copy it again")
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({str(error)[:80]}); copy it again") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path} is damaged (it holds a {type(record).__name__}, no object); copy "
                         "it again")
    return record


def holds(path: Path, names: Set[str]) -> bool:
    """Is there an object in this JSON file, with all of these names?"""
    try:
        return read_json(path).keys() >= names
    except (OSError, ValueError):
        return False


def write_json(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write an object as a JSON file that people can read: whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n",
                             encoding="utf-8")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def read_record(folder: str | Path) -> dict[str, Any]:
    """model.json of a folder, or what it would be in a folder from before there was one.

    Raises:
        FileNotFoundError: the folder holds no record of any part.
        ValueError: a record is damaged, or of a later format.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return _migrated(Path(folder))
    record = read_json(path)
    if type(record.get("format")) is not int or record["format"] < 1:
        raise ValueError(f"{path} is damaged (format: {str(record.get('format'))[:40]!r}); copy it "
                         "again")
    if record["format"] > FORMAT:
        raise ValueError(f"{path} has format {record['format']!s:.20}, this valle reads {FORMAT}: "
                         "update valle")
    return record


def _migrated(folder: Path) -> dict[str, Any]:
    """Before 0.10 each part had a NAME.json of its own."""
    older = {name: read_json(folder / f"{name}.json") for name in PARTS
             if (folder / f"{name}.json").is_file()}
    if not older:
        raise FileNotFoundError(f"no {NAME} in {folder}")
    for name, part in older.items():
        if name == "codec" and part != {"codec": "encodec"}:
            part = {"config": {"decoder_attend_every": 0} | part}  # not before 0.5
        if name in ("recognizer", "phones", "speaker"):
            part = {"config": part}
        if name in ("ar", "nar") and "codec" in part:
            part["trained_on"] = part.pop("codec")
        older[name] = part
    return {"format": FORMAT, **older}


def part_of(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One part with what it has in common with others; KeyError when it is not there."""
    part = record[name]
    if not isinstance(part, dict):
        raise ValueError(f"{name} is a {type(part).__name__}, no object")
    return {key: record[key] for key in COMMON if key in record} | part


def write_part(folder: str | Path, name: str, part: Mapping[str, Any]) -> None:
    """Put a part into model.json, beside those that are there; whole or not at all."""
    try:
        record = read_record(folder)
    except FileNotFoundError:
        record = {"format": FORMAT}
    write_record(folder, {**record, name: dict(part)})


def write_record(folder: str | Path, record: Mapping[str, Any]) -> None:
    """Write model.json, whole or not at all, in place of the records of older folders."""
    parts = {name: part_of(record, name) for name in PARTS if name in record}
    head = {key: value for key, value in record.items()
            if key not in (*PARTS, *COMMON, "format")}
    common = {}
    for key in COMMON:
        values = [part[key] for part in parts.values() if key in part]
        if values and all(value == values[0] for value in values):
            common[key] = values[0]
            parts = {name: {k: v for k, v in part.items() if k != key}
                     for name, part in parts.items()}
    write_json(Path(folder) / NAME, {"format": FORMAT, **head, **common, **parts})
    for name in PARTS:
        (Path(folder) / f"{name}.json").unlink(missing_ok=True)


def from_record(kind: type[Config], values: Any) -> Config:
    """A dataclass of the values of a record, each of the type that its field has.

    Raises:
        ValueError: a value is missing, unknown, of another type, or refused by the class.
    """
    if not isinstance(values, dict):
        raise ValueError(f"a {kind.__name__} is an object, not a {type(values).__name__}")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    missing = [name for name, field in fields.items() if name not in values
               and field.default is dataclasses.MISSING
               and field.default_factory is dataclasses.MISSING]
    if unknown or missing:
        raise ValueError(f"{kind.__name__}: " + (f"what is {', '.join(unknown)[:80]}?" if unknown
                                                 else f"{', '.join(missing)} missing"))
    return kind(**{name: _typed(hints[name], value, name) for name, value in values.items()})


def _typed(hint: Any, value: Any, name: str) -> Any:
    """A JSON value as what a field holds."""
    if dataclasses.is_dataclass(hint):
        return from_record(typing.cast("type[Any]", hint), value)
    if typing.get_origin(hint) is tuple:
        if isinstance(value, list):
            return tuple(_typed(typing.get_args(hint)[0], item, name) for item in value)
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        kind, _ = typing.get_args(hint)  # X | None
        return None if value is None else _typed(kind, value, name)
    elif hint is float and type(value) in (int, float) and -HUGE < value < HUGE:
        return float(value)
    elif type(value) is hint:
        return value
    wanted = getattr(hint, "__name__", str(hint))
    raise ValueError(f"{name} is {str(value)[:40]!r}, which is no {wanted}")


class WrongValue(ValueError):
    """A value that an argument, or an option of the command line, cannot have."""

    def __init__(self, argument: str, value: Any, wanted: str) -> None:
        super().__init__(f"{argument} {value}: {wanted}")
        self.argument = argument


def check_range(config: Any, **ranges: tuple[float, float]) -> None:
    """WrongValue when a field of a dataclass lies outside (least, most)."""
    for name, (least, most) in ranges.items():
        value, whole = getattr(config, name), type(least) is type(most) is int
        if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
            raise WrongValue(name, repr(value), f"must be a {'whole ' * whole}number")
        if not least <= typing.cast("float", value) <= most:
            raise WrongValue(name, value, f"must be {least:g} to {most:g}")
