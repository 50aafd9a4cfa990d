"""How many threads: never more than there are cores, and one where that is faster."""
from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial

import torch

LEAST_TRUST, MOST_TRUST = 32, 1024  # steps until one and all threads are compared again


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Threads:
    """How many threads a step gets: all, or one where that is faster.

    Threads wait for one another thirty times a token. Where another program has one of the cores,
    each wait may last as long as the scheduler gives that program. So both are tried now and then,
    the more seldom the longer they agree; what a step computes stays the same.
    """

    def __init__(self) -> None:
        self.chosen, self.trust, self.left = 0, LEAST_TRUST, 0

    def run(self, step: Callable[[int], None]) -> None:
        """Call step(threads), twice where both are tried: it must not matter how often."""
        everyone = min(torch.get_num_threads(), cores())  # OMP_NUM_THREADS may be any number
        if self.left and self.chosen in (1, everyone):
            self.left -= 1
            return step(self.chosen)
        before, self.chosen = self.chosen, min({1, everyone}, key=partial(seconds, step))
        self.trust = min(2 * self.trust, MOST_TRUST) if self.chosen == before else LEAST_TRUST
        self.left = self.trust


def seconds(step: Callable[[int], None], threads: int) -> float:
    started = time.perf_counter()
    step(threads)
    return time.perf_counter() - started
