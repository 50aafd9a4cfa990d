"""Phones and their ids."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

BOUNDARIES: tuple[str, ...] = (" ", ",", ".", "?", "!", ";", ":")
UNKNOWN = "<unk>"
SPACE = 1  # the id of " " in every vocabulary
STRESS = "ˈˌ"


class Vocabulary:
    """Phones to ids and back: id 0 is <unk>, then the boundaries, then the phones in order."""

    def __init__(self, phones: Sequence[str]) -> None:
        """Number the given phones 0..V-1.

        Raises:
            ValueError: phones do not start with <unk>, or one occurs twice.
        """
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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.phones == other.phones

    def __hash__(self) -> int:
        return hash(tuple(self.phones))

    def encode(self, phones: Iterable[str]) -> list[int]:
        """Ids [L] of L phones.

        A phone never seen with its stress gets the id of the same phone without stress, else
        with another stress; a phone never seen at all gets 0, which is <unk>.
        """
        return [self._find(phone) for phone in phones]

    def unknown(self, phones: Iterable[str]) -> list[str]:
        """The phones that map to <unk>, sorted, each once."""
        return sorted({phone for phone in phones if self._find(phone) == 0})

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Phones [L] of L ids; the inverse of encode for phones of the vocabulary.

        Raises:
            IndexError: an id is outside 0..V-1.
        """
        found = list(ids)
        if found and not 0 <= min(found) <= max(found) < len(self.phones):
            raise IndexError(f"ids must lie in 0..{len(self.phones) - 1}")
        return [self.phones[i] for i in found]

    def to_json(self, espeak: str | None = None) -> dict[str, Any]:
        """{"phones": [...]}, with "espeak": version where one is given.

        The version is for readers of the file: from_json and == leave it out.
        """
        return {"phones": self.phones} if espeak is None else {
            "phones": self.phones, "espeak": espeak}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Vocabulary:
        """The vocabulary of a to_json record.

        Raises:
            KeyError: there are no phones in it.
            ValueError: they are not a vocabulary.
        """
        phones = record["phones"]
        if not isinstance(phones, list) or not all(isinstance(phone, str) for phone in phones):
            raise ValueError("a vocabulary is a list of distinct phones that starts with <unk>")
        return cls(phones)

    def _find(self, phone: str) -> int:
        bare = phone.lstrip(STRESS)
        for candidate in (phone, bare, *(mark + bare for mark in STRESS)):
            if candidate in self._ids:
                return self._ids[candidate]
        return 0
