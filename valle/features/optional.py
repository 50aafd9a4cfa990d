"""Published models: packages and weights that are fetched only when they are asked for."""
from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
MISSING = "evaluation needs more packages: pip install 'valle[evaluate]'"


def named(place: str) -> Any:
    """The class at "module:Class", imported when it is asked for."""
    module, attribute = place.split(":")
    return getattr(importlib.import_module(module), attribute)


def package(name: str, user: str, pip: str) -> Any:
    """Import a package that `user` needs.

    Raises:
        ImportError: it is missing or broken; the line says what to install.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:  # torchaudio beside a CPU torch
        raise ImportError(f"{user} needs {pip}: pip install {pip} "
                          f"({error})") from error


def needed(name: str) -> Any:
    """A package of the extra `evaluate`.

    Raises:
        ImportError: it is missing; the line says what to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{MISSING} ({error})") from error


def transformers_package(user: str) -> Any:
    """transformers, which takes a torchaudio that is installed but broken for a usable one.

    Raises:
        ImportError: it is missing.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError):
        sys.modules["torchaudio"] = None  # type: ignore[assignment]
    return package("transformers", user, "transformers")


def downloaded(user: str, source: str, load: Callable[[], T], otherwise: str = "") -> T:
    """What `load` returns. otherwise: what else a user without a network can do.

    Raises:
        OSError: the weights are not on this machine and cannot be fetched.
    """
    try:
        return load()
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error) else type(error).__name__
        raise OSError(f"cannot load {source} for {user} ({reason}): the "
                      "first use needs a network connection, later ones its cache"
                      + (f"; {otherwise}" if otherwise else "")) from error
