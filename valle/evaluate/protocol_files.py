"""Protocols as files: written, read and checked."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from codec.files import atomic_path
from valle.evaluate.lists import read_list
from valle.evaluate.protocols import VERSION, Item, Protocol


def write_protocol(path: str | Path, protocol: Protocol) -> None:
    """One line for the protocol, one for each item."""
    head = {"protocol": protocol.name, "version": VERSION, "rule": protocol.rule,
            "distractors": protocol.distractors}
    lines = [head, *(_plain(item) for item in protocol.items)]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n"
                                     for line in lines), encoding="utf-8")


def _plain(item: Item) -> dict[str, Any]:
    """The fields of an item that are not the default."""
    defaults = {f.name: f.default for f in dataclasses.fields(Item)}
    return {k: v for k, v in dataclasses.asdict(item).items() if v != defaults[k]}


def read_protocol(path: str | Path, root: str | Path) -> Protocol:
    """A protocol written by `write_protocol`, a Seed-TTS list or an F5 list (see `lists`).

    Raises:
        FileNotFoundError: no such file, or no folder `root`.
        ValueError: not a protocol, of another version, or items with one id.
    """
    path, root = Path(path), Path(root)
    if not path.is_file():
        raise FileNotFoundError(f"no protocol at {path}: make one with `valle evaluate protocol`")
    if not root.is_dir():
        raise FileNotFoundError(f"no folder {root}: --data must be the folder that the paths in "
                                f"{path.name} start from")
    if path.suffix == ".lst":
        items = read_list(path, root)
        return _checked(path, Protocol(path.stem, path.name, tuple(items), root=root))
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        head, *rest = (json.loads(line) for line in lines if line.strip())
        protocol = Protocol(head["protocol"], head["rule"], tuple(Item(**r) for r in rest),
                            tuple(head.get("distractors", ())), root)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is not a protocol ({error}): make it again with `valle evaluate "
                         "protocol`") from error
    if head.get("version") != VERSION:
        raise ValueError(f"{path} is a protocol of version {head.get('version')}, this is "
                         f"{VERSION}: make it again")
    return _checked(path, protocol)


def _checked(path: Path, protocol: Protocol) -> Protocol:
    if not protocol.items:
        raise ValueError(f"{path} has no items")
    ids = [item.id for item in protocol.items]
    if len(set(ids)) < len(ids) or any("/" in i for i in ids):
        raise ValueError(f"{path}: ids of items must differ and be names of files")
    return protocol
