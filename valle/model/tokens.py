"""The one id space of the AR model: [specials | languages | phones | codebook-1 codes].

Two layouts (DESIGN.md section 3):
  plain        <bos> <lang> phones <audio> c c c ... <eos>                 (VALL-E, section 4.2.1)
  interleaved  <bos> <lang> phones <audio> p1 c c p2 c c c ... <eos>       (after ELLA-V)
In both, `phones` is the prompt's transcript followed by the text to speak.

A `c` is `group` codes in a row, and its id counts them as digits, the first the lowest. Tables
have no row for each group, but one for each of its digits, which `embed` adds up.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F

from valle.model.config import ARConfig

PAD, BOS, AUDIO, EOS = range(4)
SPECIALS = ("<pad>", "<bos>", "<audio>", "<eos>")


@dataclass(frozen=True)
class TokenIds:
    """Where each kind of token lives; every special id is defined here and nowhere else."""

    languages: tuple[str, ...]
    n_phones: int
    codebook_size: int
    group: int = 1

    @classmethod
    def of(cls, config: ARConfig) -> TokenIds:
        return cls(config.languages, config.phones, config.codebook_size, config.group)

    @property
    def first_phone(self) -> int:
        return len(SPECIALS) + len(self.languages)

    @property
    def first_code(self) -> int:
        return self.first_phone + self.n_phones

    @property
    def size(self) -> int:
        """Rows of the embedding table, and logits."""
        return self.first_code + self.group * self.codebook_size

    def digits(self, tokens: torch.Tensor) -> torch.Tensor:
        """The codes [..., group] of tokens [...] of codes."""
        powers = self.codebook_size ** torch.arange(self.group, device=tokens.device)
        return (tokens - self.first_code)[..., None] // powers % self.codebook_size

    def embed(self, tokens: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        """Embeddings [..., D] of tokens [...] from the table [size, D]: sums over groups."""
        if self.group == 1:
            return F.embedding(tokens, table)
        are_codes = tokens >= self.first_code
        offsets = self.codebook_size * torch.arange(self.group, device=tokens.device)
        rows = self.first_code + offsets + self.digits(tokens)
        codes = F.embedding(rows.where(are_codes[..., None], 0), table).sum(-2)
        others = F.embedding(tokens.where(~are_codes, 0), table)
        return codes.where(are_codes[..., None], others)

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
        """Codes [T] as tokens, one for each `group`; the last code is repeated to fill one."""
        return [self.first_code + sum(
            int(codes[min(start + digit, len(codes) - 1)]) * self.codebook_size ** digit
            for digit in range(self.group)) for start in range(0, len(codes), self.group)]

    def interleave(self, phones: Sequence[int], durations: Sequence[int],
                   codes: Sequence[int]) -> list[int]:
        """p1 c c p2 c c ...: every phone before its own codes; sum(durations) == len(codes).

        A group of codes belongs to the phone in which its middle lies.
        """
        if len(phones) != len(durations) or sum(durations) != len(codes):
            raise ValueError(f"{len(phones)} phones, {len(durations)} durations over "
                             f"{sum(durations)} frames, {len(codes)} codes: they must agree")
        tokens: list[int] = []
        groups, start = self.codes(codes), 0
        for phone, frames in zip(phones, accumulate(durations), strict=True):
            end = len(groups) if frames == len(codes) else (frames + self.group // 2) // self.group
            tokens += [self.first_phone + phone, *groups[start: end]]
            start = end
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
