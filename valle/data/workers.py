"""Recordings to results, in this process or in several; the results are the same, in order."""
from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from valle.data.process import Processor, Work
from valle.data.recording import Recording
from valle.data.writer import Result


def serial(processor: Processor, todo: Sequence[Recording]) -> Generator[Result, None, None]:
    """Results in order, made in this process on one thread, as the workers make them."""
    if processor.codec is None and processor.aligner is None:
        yield from map(processor, todo)
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from map(processor, todo)
    finally:
        torch.set_num_threads(threads)


def parallel(work: Work, todo: Sequence[Recording], workers: int,
              ) -> Generator[Result, None, None]:
    """Results in order, made by processes that run a little ahead."""
    processes = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker,
                                    (work, os.getpid()))
    waiting: deque[Future[Result]] = deque()
    try:
        for recording in todo:
            waiting.append(processes.submit(_process, recording))
            if len(waiting) > 16 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RuntimeError("a worker process died, perhaps for lack of memory: run again with "
                           "fewer workers, it goes on where it stopped") from error
    finally:
        processes.shutdown(cancel_futures=True)


_processor: Processor | None = None  # of this worker process


def _start_worker(work: Work, parent: int) -> None:
    """Load the models; leave Ctrl-C to the parent, and end when the parent is gone."""
    global _processor
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(parent)
    if work.codec or work.aligner:
        import torch

        torch.set_num_threads(1)
    _processor = Processor(work)


def _process(recording: Recording) -> Result:
    assert _processor is not None
    return _processor(recording)


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """So many processes, one for each core without a number, which end with this one."""
    return ProcessPoolExecutor(workers, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """From now on this process ends a second after its parent, however that ended."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
