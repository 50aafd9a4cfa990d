"""Files that are either whole or absent."""
from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and takes `path`'s place.

    Raises:
        OSError: the folder cannot be made or written, the disk is full, or `path` is a folder or
            a device. The error names `path`.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a folder or a device", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode  # as the umask wants it; safetensors makes it private
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode if path.exists() else mode)
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in DISK_ERRORS and error.filename != str(temporary):
            raise  # of the source of the data, such as a download
        raise OSError(error.errno, error.strerror, str(path)) from error
    except SafetensorError as error:  # its way to report a full disk
        raise OSError(errno.EIO, str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_one_of(path: Path, others: Iterable[Path]) -> bool:
    """Is a file that is there one of these, by whatever name?"""
    return path.exists() and any(other.exists() and other.samefile(path) for other in others)


def remove_leftovers(folder: str | Path) -> None:
    """Remove temporary files of processes that were killed while they wrote below `folder`.

    Only for a folder that no other process writes into now.
    """
    for path in Path(folder).rglob(".*.tmp"):
        path.unlink(missing_ok=True)
