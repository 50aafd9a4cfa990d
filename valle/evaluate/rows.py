"""Results as files of one JSON object a line."""
from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codec.files import atomic_path

Row = dict[str, Any]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """One row per line, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
                             encoding="utf-8")


def append_row(path: Path, row: Row) -> None:
    """Add one row at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_rows(path: Path) -> list[Row]:
    """Rows of a file but those cut by a kill; none where there is no file."""
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows
