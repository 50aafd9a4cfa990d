"""How far a command is: a bar on a terminal, a line now and then elsewhere."""
from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

LINE_SECONDS = 30.0  # between two lines in a log


class Bar:
    """Progress towards a total that may be a guess: it grows where there is more to do."""

    def __init__(self, name: str, total: int, silent: bool) -> None:
        self.name, self.total, self.done = name, max(1, total), 0
        self.silent, self.began = silent, time.monotonic()
        self.told = self.began
        self.bar: Any = None
        if not silent and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, desc=name, leave=False, bar_format=(
                "{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"))

    def advance(self, done: int) -> None:
        """So much more is done."""
        self.done += done
        if self.done > self.total:
            self.total = round(1.2 * self.done)
        if self.bar is not None:
            self.bar.total = self.total
            self.bar.update(done)
        elif not self.silent and time.monotonic() - self.told > LINE_SECONDS:
            self.told = time.monotonic()
            left = (self.told - self.began) * (self.total / max(1, self.done) - 1)
            print(f"{self.name}: {self.done / self.total:.0%}, about {left:.0f} s left",
                  file=sys.stderr, flush=True)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()
