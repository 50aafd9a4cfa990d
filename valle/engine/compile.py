"""C compiled for this machine at first use, and kept where nobody else may write.

What is loaded runs with the user's rights. So a kept library is loaded only from a folder that,
with all above it, belongs to the user or to root and that others may not write; and only if its
content has the sha256 that its name says, which a file that was cut off or changed has not.
"""
from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

# Sums may be reordered, which is what makes them vectors; the rest of IEEE arithmetic holds.
FLAGS = ("-O3", "-funroll-loops", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros",
         "-fassociative-math", "-shared", "-fPIC")
MACHINE_FLAGS = (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",), ())
COMPILE_SECONDS = 60

Library = TypeVar("Library")


class NativeError(RuntimeError):
    """The step cannot be compiled here; the message says why."""


def cache_folder() -> Path:
    """Where compiled code is kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "valle"


def compiled(source: Path, prepare: Callable[[ctypes.CDLL], Library]) -> Library:
    """What `prepare` makes of a C file, compiled for this machine, the kept one if there is any.

    Raises:
        NativeError: there is no C compiler, or it fails.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise NativeError("no C compiler (apt-get install gcc, or xcode-select --install)")
    folder = private_folder(cache_folder())
    key = "\0".join([compiler, *FLAGS, repr(MACHINE_FLAGS), processor(), source.read_text("utf-8")])
    name = f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}-"
    for kept in sorted(folder.glob(f"{name}*.so")) if folder else []:
        if is_genuine(kept):
            with suppress(OSError, AttributeError):  # of another machine, or another library
                return prepare(ctypes.CDLL(str(kept)))
        with suppress(OSError):
            kept.unlink()
    said = ""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        made = Path(place) / f"{source.stem}.so"
        for flags in MACHINE_FLAGS:
            try:
                subprocess.run([*compiler.split(), *FLAGS, *flags, str(source), "-lm", "-o",
                                str(made)], check=True, capture_output=True, text=True,
                               timeout=COMPILE_SECONDS)
                made.chmod(0o700)
                found = prepare(ctypes.CDLL(str(made)))
            except (OSError, AttributeError, subprocess.SubprocessError) as error:
                said = str(getattr(error, "stderr", "") or error)
                continue
            if folder:
                with suppress(OSError):  # a full disk
                    made.replace(folder / f"{name}{sha256(made)}.so")
            return found
    raise NativeError(f"{compiler} cannot compile {source.name}: {said.strip()[:200]}")


def private_folder(folder: Path) -> Path | None:
    """The folder, made where it is missing; None where it cannot be, or where others may write."""
    try:
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(missing):
            place.mkdir(mode=0o700, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        folder = folder.resolve()
        safe = is_private(folder) and all(is_private(place, sticky=True)
                                          for place in folder.parents)
        return folder if safe else None
    except OSError:
        return None


def is_private(place: Path, sticky: bool = False) -> bool:
    """May only the user and root change a file, or what is in a folder? (Always so on Windows.)

    sticky: a folder like /tmp will do, where others may add files, but not replace ours.
    """
    found = place.lstat()
    if not hasattr(os, "geteuid"):
        return True
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid in (0, os.geteuid()) and (
        not shared or (sticky and bool(found.st_mode & stat.S_ISVTX)))


def is_genuine(library: Path) -> bool:
    """Is it a private file with the sha256 that ends its name?"""
    try:
        return (stat.S_ISREG(library.lstat().st_mode) and is_private(library)
                and library.stem.rpartition("-")[2] == sha256(library))
    except OSError:
        return False


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def processor() -> str:
    """What the code was compiled for: a home may be shared by different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
