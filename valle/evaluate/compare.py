"""Two systems on the same items: paired differences with bootstrap intervals."""
from __future__ import annotations

from collections.abc import Sequence

from valle.evaluate.panel import DISTILLMOS, OVRL, name_of
from valle.evaluate.report import parts, targets
from valle.evaluate.rows import Row
from valle.evaluate.table import bootstrap, column, judges, markdown, paired

FIGURES = (("wer", True), ("cer", True), ("sim_o", False), ("sim_r", False), ("first", False))
NAMES = {"cer": "CER", "sim_o": "SIM-o", "sim_r": "SIM-r", "first": "nearest of ten"}


def compare(a: Sequence[Row], b: Sequence[Row], names: tuple[str, str] = ("A", "B")) -> str:
    """A Markdown table of B less A, figure by figure, over the items that both have.

    Args:
        a, b: rows of one version each, as `valle evaluate voice` writes them.

    Raises:
        ValueError: nothing in common, or one item with two texts.
    """
    mine = {row["id"]: row for row in a if "error" not in row}
    pairs = [(mine[row["id"]], row) for row in b if "error" not in row and row["id"] in mine]
    if not pairs:
        raise ValueError("the two have no items in common: evaluate both with one --protocol")
    for first, second in pairs:
        if first["text"] != second["text"]:
            raise ValueError(f"{first['id']} has two texts: the results come from different "
                             "protocols")
    lines = []
    for group, _, rows in parts([first for first, _ in pairs]):
        ids = {row["id"] for row in rows}
        both = [pair for pair in pairs if pair[0]["id"] in ids]
        lines += [[group, *line] for line in _lines(both)]
    header = ("group", "figure", "items", *names, "difference", "better")
    return markdown(header, lines) + (
        f"\nDifference: {names[1]} less {names[0]}, with a paired 95 % bootstrap interval over "
        "targets; better: which of them, where the interval excludes 0. Items in common: "
        f"{len(pairs)}.\n")


def _lines(pairs: Sequence[tuple[Row, Row]]) -> list[list[object]]:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    clusters, sizes = targets(first), [row["words"] for row in first]
    found = []
    for key, weighted in FIGURES:
        for judge in judges(first, key):
            if judge in judges(second, key):
                name = name_of(judge) if key == "wer" else f"{NAMES[key]} {judge}"
                found.append((name, column(first, key, judge), column(second, key, judge),
                              sizes if weighted else None, not weighted))
    found += [(name, column(first, key), column(second, key), None, True)
              for name, key in (("DistillMOS", DISTILLMOS), ("OVRL", OVRL))]
    failed = [[float(bool(r.get("failures"))) for r in rows] for rows in (first, second)]
    found.append(("failures", list(failed[0]), list(failed[1]), None, False))
    lines = []
    for name, x, y, weights, more_is_better in found:
        change = paired(x, y, clusters, weights)
        if change.count:
            better = "-" if change.low <= 0 <= change.high else (
                "B" if (change.low > 0) == more_is_better else "A")
            lines.append([name, change.count, bootstrap(x, clusters, weights),
                          bootstrap(y, clusters, weights), change, better])
    return lines
