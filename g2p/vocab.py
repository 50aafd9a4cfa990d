"""Phones and their ids."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

BOUNDARIES: tuple[str, ...] = (" ", ",", ".", "?", "!", ";", ":")
UNKNOWN = "<unk>"
STRESS = "ˈˌ"


class Vocabulary:
    """Phones to ids and back. Id 0 is <unk>; a phone unseen with its stress falls back to another."""

    def __init__(self, phones: Sequence[str]) -> None:
        if not phones or phones[0] != UNKNOWN or len(set(phones)) != len(phones):
            raise ValueError("a vocabulary is a list of distinct phones that starts with <unk>")
        self.phones = list(phones)
        self._ids = {phone: i for i, phone in enumerate(self.phones)}

    @classmethod
    def build(cls, utterances: Iterable[Sequence[str]]) -> Vocabulary:
        """Vocabulary of all phones that occur, in sorted order, with every boundary."""
        seen = {phone for phones in utterances for phone in phones}
        return cls([UNKNOWN, *BOUNDARIES, *sorted(seen - {UNKNOWN, *BOUNDARIES})])

    def __len__(self) -> int:
        return len(self.phones)

    def _find(self, phone: str) -> int:
        bare = phone.lstrip(STRESS)
        for candidate in (phone, bare, *(mark + bare for mark in STRESS)):
            if candidate in self._ids:
                return self._ids[candidate]
        return 0

    def encode(self, phones: Iterable[str]) -> list[int]:
        return [self._find(phone) for phone in phones]

    def unknown(self, phones: Iterable[str]) -> list[str]:
        """The phones that map to <unk>, each once."""
        return sorted({phone for phone in phones if self._find(phone) == 0})

    def decode(self, ids: Iterable[int]) -> list[str]:
        return [self.phones[i] for i in ids]

    def to_json(self) -> dict[str, Any]:
        return {"phones": self.phones}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Vocabulary:
        return cls(record["phones"])
