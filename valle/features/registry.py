"""Models by name: our own from a folder, published ones by the class that runs them."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from valle.features.optional import named

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All models of one kind.

    Attributes:
        what: "recogniser", "speaker encoder".
        trained: loads a folder that `valle train` made.
        published: where the class of each name is, "module:Class".
        takes: what may stand behind a name and a colon, "MODEL" or "FILE"; it goes to the class.
    """

    what: str
    trained: Callable[[str], T]
    published: Mapping[str, str]
    takes: Mapping[str, str]

    @property
    def names(self) -> str:
        """All names in one line, as an option's help has them."""
        return ", ".join(f"{name}[:{self.takes[name]}]" if name in self.takes else name
                         for name in self.published)

    def check(self, name: str) -> None:
        """Raises ValueError where nobody is called so; nothing is loaded."""
        if Path(name).is_dir():
            return
        kind, _, more = name.partition(":")
        if kind not in self.published:
            raise ValueError(f"no {self.what} {name!r}: give a trained folder, {self.names}")
        if more and kind not in self.takes:
            raise ValueError(f"{kind} takes no model or file: write {kind}")

    def load(self, name: str) -> T:
        """The model of this name: a folder, or one of `published`.

        Raises:
            FileNotFoundError, ValueError: no such model, or its files are missing or damaged.
            ImportError, OSError: a package is missing, or its weights cannot be had.
        """
        self.check(name)
        if Path(name).is_dir():
            return self.trained(name)
        kind, _, more = name.partition(":")
        adapter = named(self.published[kind])
        model: T = adapter(more) if more else adapter()
        return model
