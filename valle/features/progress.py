"""Signs of life: a bar on a terminal, a line now and then in a log file."""
from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

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
             unit: str, initial: int = 0) -> tqdm[Any]:
    """A bar over `items`, or one to update by hand, with the time that is left.

    Without a terminal it writes a line at once, every 20 seconds, and at the end.
    """
    if sys.stderr.isatty():
        return tqdm(items, total=total, desc=desc, unit=unit, initial=initial, dynamic_ncols=True)
    return tqdm(items, total=total, desc=desc, unit=unit, initial=initial, bar_format=LINE,
                file=Lines(sys.stderr), mininterval=LINE_SECONDS, maxinterval=LINE_SECONDS,
                miniters=1)


def say(line: str) -> None:
    """A line for people beside the bar."""
    tqdm.write(line, file=sys.stderr)
