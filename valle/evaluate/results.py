"""A folder of results: rows, tables, plots and the page, and rows read from another one."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codec.audio import Samples
from codec.files import atomic_path
from valle.evaluate.page import page
from valle.evaluate.protocols import Protocol
from valle.evaluate.report import Report, plot
from valle.evaluate.rows import Row, read_rows, write_rows
from valle.evaluate.voice import SYNTHESIS

ROWS = "rows.jsonl"


def write_results(out: Path, report: Report, sounds: Mapping[tuple[str, str], Samples],
                  prompts: Mapping[str, str]) -> str:
    """Write rows.jsonl, report.md, report.html and the plots; returns the tables.

    Args:
        sounds: samples [N] at 24 kHz by (item, version), for the page.
        prompts: what each item's prompt says.

    Raises:
        ValueError: no row could be scored.
    """
    if not report.scored:
        raise ValueError(f"nothing could be scored, first: {report.rows[0]['error']}")
    write_rows(out / ROWS, report.rows)
    try:
        plots = plot(report.rows, out)
    except ImportError as error:
        report.problems.append(str(error))
        plots = []
    tables = report.markdown()
    write_text(out / "report.md", tables)
    write_text(out / "report.html", page(report, sounds, prompts, plots))
    return tables


def write_text(path: Path, text: str) -> None:
    """A file as a whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def rows_of(folder: Path, version: str) -> list[Row]:
    """Rows of one version below a folder of results.

    Raises:
        FileNotFoundError, ValueError: no results, or none of this version.
    """
    if not (folder / ROWS).is_file():
        raise FileNotFoundError(f"no {ROWS} in {folder}: run `valle evaluate voice --out {folder}`")
    rows = read_rows(folder / ROWS)
    mine = [row for row in rows if row["version"] == version]
    if not mine:
        known = ", ".join(dict.fromkeys(row["version"] for row in rows))
        raise ValueError(f"{folder} has no rows of {version!r}; it has {known}")
    return mine


def beside(folder: Path, protocol: Protocol) -> list[Row]:
    """Rows of the voice in a folder of results, as the version of the folder's name.

    Raises:
        FileNotFoundError, ValueError: no results, or those of another protocol.
    """
    rows = rows_of(folder, SYNTHESIS)
    texts = {item.id: item.text for item in protocol.items}
    if any(texts.get(row["id"]) != row["text"] for row in rows):
        raise ValueError(f"--beside {folder} holds results of another protocol than "
                         f"{protocol.name}")
    return [{**row, "version": folder.name} for row in rows]
