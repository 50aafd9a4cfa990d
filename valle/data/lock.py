"""One process at a time in a folder."""
from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = ".lock"


@contextmanager
def locked(folder: str | Path, doing: str) -> Iterator[None]:
    """Hold `folder`, which is made where there is none, until the block ends.

    The system lets go of the lock when its process dies, however it does. A folder that was made
    for the lock and stays empty is removed again.

    Args:
        doing: what is going on, for the one who comes second: "training".

    Raises:
        ValueError: another process holds it; the line names that process.
        OSError: the folder cannot be made or written.
    """
    folder = Path(folder)
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = _take(folder / LOCK, folder)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({
            "doing": doing, "pid": os.getpid(), "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"), "command": " ".join(sys.argv),
        }).encode(), 0)
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        os.close(descriptor)
        if made and not any(folder.iterdir()):
            folder.rmdir()


def _take(path: Path, folder: Path) -> int:
    """An open descriptor that holds the lock at `path`."""
    import fcntl

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except BlockingIOError:
            raise ValueError(f"{folder} is in use: {_holder(path)}; wait for it to end, stop it, "
                             "or give another folder") from None
        os.close(descriptor)  # its holder removed the file a moment ago: there may be a new one


def _holder(path: Path) -> str:
    """Who wrote the lock file, in words."""
    try:
        holder = json.loads(path.read_text())
        return (f"process {holder['pid']} on {holder['host']} has been {holder['doing']} in it "
                f"since {holder['since']} ({holder['command']})")
    except (OSError, ValueError, KeyError, TypeError):
        return "another process has just begun in it"
