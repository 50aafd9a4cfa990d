"""Compare two voices that were evaluated on the same protocol.

  valle compare out/old out/new
  valle compare out/old out/new --version-a voice --version-b codec --out difference.md

Prints both figures, the paired difference with its 95 % bootstrap interval, and which is better
where the interval excludes 0. A and B are folders that `valle evaluate voice` wrote.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from valle.commands.evaluate_voice import ROWS, VOICE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="results of the first")
    parser.add_argument("b", type=Path, metavar="B", help="results of the second")
    parser.add_argument("--version-a", default=VOICE, help="row of A to take: voice (default), "
                                                           "recording, codec, or a --name")
    parser.add_argument("--version-b", default=VOICE, help="row of B to take")
    parser.add_argument("--out", type=Path, help="also write the table to this file")


def run(options: argparse.Namespace) -> int:
    from codec.files import atomic_path
    from valle.evaluate.compare import compare

    a, b = (rows_of(folder, version) for folder, version in
            ((options.a, options.version_a), (options.b, options.version_b)))
    names = (f"A: {options.a} {options.version_a}", f"B: {options.b} {options.version_b}")
    text = compare(a, b, names)
    if options.out:
        with atomic_path(options.out) as path:
            path.write_text(text, encoding="utf-8")
    print(text)
    return 0


def rows_of(folder: Path, version: str) -> list[dict[str, Any]]:
    """Rows of one version below a folder of results.

    Raises:
        FileNotFoundError, ValueError: no results, or none of this version.
    """
    from valle.evaluate.rows import read_rows

    if not (folder / ROWS).is_file():
        raise FileNotFoundError(f"no {ROWS} in {folder}: run `valle evaluate voice --out {folder}`")
    rows = read_rows(folder / ROWS)
    mine = [row for row in rows if row["version"] == version]
    if not mine:
        known = ", ".join(dict.fromkeys(row["version"] for row in rows))
        raise ValueError(f"{folder} has no rows of {version!r}; it has {known}")
    return mine
