"""The one id space of the AR model: [specials | languages | phones | codebook-1 codes].

Two layouts (DESIGN.md section 3):
  plain        <bos> <lang> phones <audio> c c c ... <eos>                 (VALL-E, section 4.2.1)
  interleaved  <bos> <lang> phones <audio> p1 c c p2 c c c ... <eos>       (after ELLA-V)
In both, `phones` is the prompt's transcript followed by the text to speak.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from valle.config import ARConfig

PAD, BOS, AUDIO, EOS = range(4)
SPECIALS = ("<pad>", "<bos>", "<audio>", "<eos>")


@dataclass(frozen=True)
class TokenIds:
    """Where each kind of token lives; every special id is defined here and nowhere else."""

    languages: tuple[str, ...]
    n_phones: int
    codebook_size: int

    @classmethod
    def of(cls, config: ARConfig) -> TokenIds:
        return cls(config.languages, config.phones, config.codebook_size)

    @property
    def first_phone(self) -> int:
        return len(SPECIALS) + len(self.languages)

    @property
    def first_code(self) -> int:
        return self.first_phone + self.n_phones

    @property
    def size(self) -> int:
        return self.first_code + self.codebook_size

    def language(self, name: str) -> int:
        """Id of a language; ValueError names the languages the model knows."""
        if name not in self.languages:
            raise ValueError(f"this model does not speak {name!r}; it speaks "
                             f"{', '.join(self.languages)}")
        return len(SPECIALS) + self.languages.index(name)

    def prefix(self, language: str, phones: Sequence[int]) -> list[int]:
        """<bos> <lang> phones <audio>."""
        return [BOS, self.language(language), *(self.first_phone + p for p in phones), AUDIO]

    def codes(self, codes: Sequence[int]) -> list[int]:
        return [self.first_code + int(c) for c in codes]

    def interleave(self, phones: Sequence[int], durations: Sequence[int],
                   codes: Sequence[int]) -> list[int]:
        """p1 c c p2 c c ...: every phone before its own codes; sum(durations) == len(codes)."""
        if len(phones) != len(durations) or sum(durations) != len(codes):
            raise ValueError(f"{len(phones)} phones, {len(durations)} durations over "
                             f"{sum(durations)} frames, {len(codes)} codes: they must agree")
        tokens: list[int] = []
        start = 0
        for phone, frames in zip(phones, durations, strict=True):
            tokens.append(self.first_phone + phone)
            tokens += self.codes(codes[start: start + frames])
            start += frames
        return tokens


def advance_ids(tokens: Sequence[int], ids: TokenIds) -> list[int]:
    """For each position of interleaved tokens [L], the one phone (or <eos>) that may come next.

    This is the monotonic rule of VALL-E R (arXiv:2406.07855): the model chooses between another
    code and this token. Training uses it as decoding does.
    """
    following: list[int] = []
    upcoming = EOS
    for token in reversed(tokens):
        following.append(upcoming)
        if token < ids.first_code:
            upcoming = token
    return following[::-1]
