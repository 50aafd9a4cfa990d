"""What an engine is: it takes in rows of tokens and gives the logits that follow each of them.

`Cached` (kvcache.py) runs one new token a step; `Uncached` runs the whole sequence again and is
kept as the reference that every engine is tested against.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from valle.model.ar import AR
from valle.model.config import ARConfig
from valle.model.tokens import TokenIds


class Decodable(Protocol):
    """What decodes: an AR, or its weights packed for an engine."""

    config: ARConfig
    ids: TokenIds


class Decoder(Protocol):
    """Gives the logits [B, V] that follow each row.

    `prefill` takes in new rows behind those that are there, `step` gives each row one more token,
    `keep` drops all rows but some, in an order in which none moves towards the end.
    """

    def prefill(self, rows: Sequence[list[int]]) -> torch.Tensor: ...
    def step(self, tokens: list[int]) -> torch.Tensor: ...
    def keep(self, rows: list[int]) -> None: ...


class Uncached:
    """The reference: the whole sequence again for every token."""

    def __init__(self, model: AR, capacity: int, width: int) -> None:
        self.model, self.rows = model, list[list[int]]()

    def prefill(self, rows: Sequence[list[int]]) -> torch.Tensor:
        self.rows += [list(row) for row in rows]
        return self._logits(self.rows[-len(rows):])

    def step(self, tokens: list[int]) -> torch.Tensor:
        for row, token in zip(self.rows, tokens, strict=True):
            row.append(token)
        return self._logits(self.rows)

    def keep(self, rows: list[int]) -> None:
        self.rows = [self.rows[r] for r in rows]

    def _logits(self, rows: Sequence[list[int]]) -> torch.Tensor:
        device = self.model.embed_tokens.weight.device
        return torch.cat([self.model(torch.tensor([row], device=device))[:, -1] for row in rows])
