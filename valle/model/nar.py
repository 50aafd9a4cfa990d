"""The non-autoregressive model: codebooks 2..Q, all frames of a codebook at once.

VALL-E (arXiv:2301.02111) eq. 2: p(c_2:8 | c_1, x, prompt) = prod_j p(c_j | c_<j, x, prompt).
Input is text, then prompt frames (all codebooks summed), then target frames (those below j summed).
In the interleaved layout the phone of each frame is known and added to the frame's embedding.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from valle.model.config import NARConfig
from valle.model.transformer import AdaptiveRMSNorm, Block, init_weights, rotary


@dataclass(frozen=True)
class NARRow:
    """Phones [L] and the codes [Q', T] that are known of them, the first `prompt` frames' prompt.

    durations: frames of the phones, of the first ones where speech was cut off; or None.
    """

    phones: Sequence[int]
    codes: NDArray[np.integer]
    prompt: int
    durations: Sequence[int] | None


@dataclass(frozen=True)
class NARBatch:
    """Rows of different lengths, padded on the right.

    phones [B, L] and their count [B]; codes [B, Q, T] and their count of frames [B];
    prompt_frames [B]: how many leading frames are the prompt, known in all codebooks;
    frame_phones [B, T]: the phone spoken in each frame, or None when that is not known.
    expected [B, T, D]: what the model expects of the target's codebooks from the second up to the
    level, the sum of their mean embeddings under its own probabilities; None takes their codes.
    """

    phones: torch.Tensor
    n_phones: torch.Tensor
    codes: torch.Tensor
    n_frames: torch.Tensor
    prompt_frames: torch.Tensor
    frame_phones: torch.Tensor | None
    expected: torch.Tensor | None = None

    @classmethod
    def pad(cls, rows: Sequence[NARRow], config: NARConfig, device: torch.device) -> NARBatch:
        """Rows as tensors; what is not known is 0."""
        phones = np.array([len(row.phones) for row in rows])
        frames = np.array([row.codes.shape[1] for row in rows])
        text = np.zeros((len(rows), phones.max()), np.int64)
        codes = np.zeros((len(rows), config.n_codebooks, frames.max()), np.int64)
        spoken = np.zeros((len(rows), frames.max()), np.int64)
        for i, row in enumerate(rows):
            books = row.codes[: config.n_codebooks]
            text[i, : phones[i]] = row.phones
            codes[i, : len(books), : frames[i]] = books
            if row.durations is not None:
                spoken[i, : frames[i]] = np.repeat(row.phones[: len(row.durations)], row.durations)
        prompt = np.array([row.prompt for row in rows])
        said, counts, known, lengths, heard, aligned = (
            torch.from_numpy(x).to(device) for x in (text, phones, codes, frames, prompt, spoken))
        return cls(said, counts, known, lengths, heard, aligned if config.aligned else None)

    @property
    def is_prompt(self) -> torch.Tensor:
        """Which frames [B, T] are the prompt's."""
        frames = torch.arange(self.codes.shape[2], device=self.codes.device)[None]
        return frames < self.prompt_frames[:, None]


class NAR(nn.Module):
    """Bidirectional Transformer with an output head per codebook, tied to its embedding."""

    def __init__(self, config: NARConfig) -> None:
        super().__init__()
        self.config = config
        shape = config.transformer
        self.phone = nn.Embedding(config.phones, shape.d_model)
        self.frame_phone = nn.Embedding(config.phones, shape.d_model)
        self.codes = nn.Embedding(config.n_codebooks * config.codebook_size, shape.d_model)
        self.kind = nn.Embedding(3, shape.d_model)  # text, prompt frame, target frame
        self.layers = nn.ModuleList([Block(shape, config.n_codebooks)
                                     for _ in range(shape.n_layer)])
        self.norm = AdaptiveRMSNorm(shape.d_model, shape.norm_eps, config.n_codebooks)
        init_weights(self, shape)

    def forward(self, batch: NARBatch, level: torch.Tensor) -> torch.Tensor:
        """Logits [B, T, V] of codebook `level` [B] (0-based, 1..Q-1) for every frame."""
        n_text, device = batch.phones.shape[1], batch.phones.device
        frames = torch.arange(batch.codes.shape[2], device=device)[None]
        text = torch.arange(n_text, device=device)[None]
        x = torch.cat([self.phone(batch.phones) + self.kind.weight[0],
                       self._frames(batch, level)], dim=1)
        real = torch.cat([text < batch.n_phones[:, None], frames < batch.n_frames[:, None]], dim=1)
        mask = None if bool(real.all()) else real[:, None, None]
        shape = self.config.transformer
        cos, sin = rotary(torch.cat([text, frames], dim=1), shape.d_model // shape.n_head,
                          shape.rope_theta)
        hidden = self.hidden(x, cos, sin, level, mask)[:, n_text:]
        return torch.bmm(hidden, self.tables[level].transpose(1, 2).to(hidden.dtype))

    def hidden(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, level: torch.Tensor,
               mask: torch.Tensor | None) -> torch.Tensor:
        """Embeddings [B, L + T, D] to hidden states; every position sees every real one."""
        for layer in self.layers:
            x = layer(x, cos, sin, level, mask=mask)
        return self.norm(x, level)  # type: ignore[no-any-return]

    def loss(self, batch: NARBatch, level: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy of each sample [B] over its target frames, and top-10 accuracy [B]."""
        logits = self(batch, level).float()
        target = batch.codes.gather(
            1, level[:, None, None].expand(-1, 1, batch.codes.shape[2]))[:, 0]
        frames = torch.arange(target.shape[1], device=target.device)[None]
        counted = ~batch.is_prompt & (frames < batch.n_frames[:, None])
        losses = F.cross_entropy(logits.transpose(1, 2), target, reduction="none") * counted
        with torch.no_grad():
            better = logits > logits.gather(2, target[..., None])
            hits = (better.sum(2) < 10) & counted
        frames_counted = counted.sum(1).clamp(min=1)
        return losses.sum(1) / frames_counted, hits.sum(1) / frames_counted

    def _frames(self, batch: NARBatch, level: torch.Tensor) -> torch.Tensor:
        """Embeddings of frames [B, T, D]: all codebooks of the prompt, then those below level."""
        rows, books, frames = batch.codes.shape[0], self.config.n_codebooks, batch.codes.shape[2]
        book, is_prompt = torch.arange(books, device=level.device), batch.is_prompt
        below = level if batch.expected is None else torch.ones_like(level)
        known = is_prompt[:, :, None] | (book < below[:, None, None])
        indices = batch.codes[:, :books].transpose(1, 2) + book * self.config.codebook_size
        summed = F.embedding_bag(indices.reshape(-1, books), self.codes.weight, mode="sum",
                                 per_sample_weights=known.reshape(-1, books).float())
        x = summed.view(rows, frames, -1) + self.kind(2 - is_prompt.long())
        if batch.frame_phones is not None:
            x = x + self.frame_phone(batch.frame_phones)
        if batch.expected is not None:
            x = x + batch.expected.masked_fill(is_prompt[:, :, None], 0)
        return x

    def expect(self, batch: NARBatch, level: torch.Tensor) -> NARBatch:
        """The batch as `forward` will get it at `level` [B] in synthesis, where the codebooks below
        it are expected vectors and not codes."""
        expected = self.nothing_expected(batch)
        for book in range(1, int(level.max())):
            batch = dataclasses.replace(batch, expected=expected)
            probabilities = self(batch, torch.full_like(level, book)).float().softmax(2)
            below = (book < level)[:, None, None]
            expected = expected + below * (probabilities @ self.tables[book])
        return dataclasses.replace(batch, expected=expected)

    def nothing_expected(self, batch: NARBatch) -> torch.Tensor:
        """`NARBatch.expected` below the second codebook: zeros [B, T, D]."""
        return self.codes.weight.new_zeros(*batch.codes[:, 0].shape, self.codes.embedding_dim)

    @property
    def tables(self) -> torch.Tensor:
        """Embedding tables [Q, V, D]."""
        return self.codes.weight.view(self.config.n_codebooks, self.config.codebook_size, -1)
