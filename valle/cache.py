"""Keys and values of the tokens seen so far, allocated once."""
from __future__ import annotations

import torch

from valle.config import TransformerConfig


class KVCache:
    """Keys and values [n_layer, B, n_head, capacity, d_head], and each row's length [B].

    Rows may have different lengths: a token is written at its own row's position, and attention
    masks what lies beyond it. Example: prompts of 3 and 5 tokens are prefilled side by side
    (positions 0..4, the short row padded); its next token overwrites the padding at position 3.
    """

    def __init__(self, config: TransformerConfig, batch: int, capacity: int,
                 device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        shape = (config.n_layer, batch, config.n_head, capacity, config.d_model // config.n_head)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.rows = torch.arange(batch, device=device)[:, None]

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    def write(self, layer: int, positions: torch.Tensor, keys: torch.Tensor,
              values: torch.Tensor, horizon: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Store keys and values [B, n_head, L, d_head] at positions [B, L].

        Returns views of everything below `horizon`, [B, n_head, horizon, d_head].
        """
        if horizon > self.capacity:
            raise ValueError(f"{horizon} tokens do not fit a cache of {self.capacity}")
        self.keys[layer, self.rows, :, positions] = keys.transpose(1, 2)
        self.values[layer, self.rows, :, positions] = values.transpose(1, 2)
        return self.keys[layer, :, :, :horizon], self.values[layer, :, :, :horizon]

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but these [B'], when some have finished."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.rows = torch.arange(len(rows), device=rows.device)[:, None]
