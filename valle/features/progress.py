"""Signs of life: a bar on a terminal, a line now and then in a log file."""
from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

_hushed = False  # another process of the same run speaks
LINE_SECONDS = 20.0  # between two lines where there is no terminal
LINE = "{desc}: {n_fmt} of {total_fmt} {unit}, {percentage:.0f} %, {remaining} left{postfix}"


class Lines:
    """A text stream on which every state of a bar is a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.strip("\r\n "):
            self.stream.write(line + "\n")

    def flush(self) -> None:
        self.stream.flush()


def progress(items: Iterable[Any] | None = None, *, total: int | None = None, desc: str,
             unit: str, initial: int = 0, brief: bool = False, silent: bool = False) -> tqdm[Any]:
    """A bar over `items`, or one to update by hand, with the time that is left.

    Without a terminal it writes a line at once, every 20 seconds, and at the end.

    Args:
        brief: for what seldom lasts long: no line before 20 seconds, and no bar is left behind.
        silent: nothing at all.
    """
    common = {"total": total, "desc": desc, "unit": unit, "initial": initial,
              "disable": silent or _hushed, "leave": not brief}
    if sys.stderr.isatty():
        return tqdm(items, dynamic_ncols=True, **common)
    return tqdm(items, bar_format=LINE, file=Lines(sys.stderr), mininterval=LINE_SECONDS,
                maxinterval=LINE_SECONDS, miniters=1, delay=LINE_SECONDS * brief, **common)


def advance(bar: tqdm[Any], done: int) -> None:
    """So much more is done of a total that was a guess: it grows where there is more to do."""
    if bar.total is not None and bar.n + done > bar.total:
        bar.total = round(1.2 * (bar.n + done))
    bar.update(done)


def say(line: str) -> None:
    """A line for people beside the bar."""
    if not _hushed:
        tqdm.write(line, file=sys.stderr)


def hush() -> None:
    """No more bars and lines from this process: another one of the same run shows them."""
    global _hushed
    _hushed = True
