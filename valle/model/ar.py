"""The autoregressive model: a plain Llama-shaped causal decoder over one id space.

VALL-E (Wang et al. 2023, arXiv:2301.02111) eq. 1: p(c_1 | x, prompt) = prod_t p(c_t,1 | c_<t,1, x).
The layout of its tokens is in tokens.py, how it is decoded in valle.engine and valle.synthesis.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from valle.model.config import ARConfig
from valle.model.tokens import AUDIO, PAD, TokenIds
from valle.model.transformer import Block, RMSNorm, init_weights, rotary


class AR(nn.Module):
    """Token ids to logits; input and output embeddings are tied."""

    def __init__(self, config: ARConfig) -> None:
        super().__init__()
        self.config, self.ids = config, TokenIds.of(config)
        shape = config.transformer
        self.embed_tokens = nn.Embedding(self.ids.size, shape.d_model)
        self.layers = nn.ModuleList([Block(shape) for _ in range(shape.n_layer)])
        self.norm = RMSNorm(shape.d_model, shape.norm_eps)
        init_weights(self, shape)

    def hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [B, L] to hidden states [B, L, D]; every position sees itself and what is before.

        Rows are padded on the right, so that no real token ever sees padding.
        """
        positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
        cos, sin = self._rotary(positions)
        x = self.ids.embed(tokens, self.embed_tokens.weight)
        for layer in self.layers:
            x = layer(x, cos, sin, causal=True)
        return self.norm(x)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens [B, L] to logits [B, L, V]: as in training, and the reference for `Cached`."""
        return F.linear(self.hidden(tokens), self.embed_tokens.weight)

    def loss(self, tokens: torch.Tensor, advance: torch.Tensor | None, corrupt: float = 0.0,
             ) -> dict[str, torch.Tensor]:
        """Cross-entropy of what follows <audio>, tokens [B, L], mean over predicted tokens.

        The codes of a group are predicted side by side (VALL-E 2, eq. 5), and their losses added;
        only the first competes with what is no code.

        advance [B, L]: the one phone or <eos> that may follow each position (interleaved layout).
        The model is then trained under the mask it is decoded with: softmax over the codes and
        that one token. It never spends capacity on guessing which phone comes next, and the
        probability to advance is not spread over phones that cannot come. In eval mode the
        rate of moves on, true and by the model, is reported too: they should agree.

        corrupt: share of codes that are heard as random ones, in training only (word dropout,
        Bowman et al. 2016): the model then leans on the phones more than on its own last codes,
        which are not those of speech when it speaks itself.
        """
        heard = self._corrupted(tokens, corrupt) if self.training and corrupt else tokens
        spoken = ((tokens == AUDIO).cumsum(1) > 0) & (tokens != PAD)
        after = spoken[:, :-1] & (tokens[:, 1:] != PAD)
        logits = F.linear(self.hidden(heard[:, :-1])[after], self.embed_tokens.weight).float()
        target = tokens[:, 1:][after]
        first, moves = self.ids.first_code, target < self.ids.first_code
        digits = self.ids.digits(target)
        codes = logits[:, first:].unflatten(1, (self.ids.group, -1))
        others = F.cross_entropy(codes[~moves, 1:].flatten(0, 1), digits[~moves, 1:].flatten(),
                                 reduction="sum") / len(target)
        if advance is None:
            target = torch.where(moves, target, first + digits[:, 0])
            given = logits[:, : first + self.ids.codebook_size]
            return {"loss": F.cross_entropy(given, target) + others}
        on = logits.gather(1, advance[:, :-1][after][:, None])
        logits = torch.cat([codes[:, 0], on], dim=1)
        target = torch.where(moves, self.ids.codebook_size, digits[:, 0])
        losses = F.cross_entropy(logits, target, reduction="none")
        if self.training:
            return {"loss": losses.mean() + others}
        return {"loss": losses.mean() + others, "code_loss": losses[~moves].mean(),
                "advance_true": moves.float().mean(),
                "advance_model": logits.softmax(1)[:, -1].mean(),
                "accuracy_top10": _top10(logits[~moves], target[~moves])}

    def _corrupted(self, tokens: torch.Tensor, share: float) -> torch.Tensor:
        hit = (tokens >= self.ids.first_code) & (torch.rand(tokens.shape, device=tokens.device)
                                                 < share)
        groups = self.ids.codebook_size ** self.ids.group
        drawn = torch.randint_like(tokens, self.ids.first_code, self.ids.first_code + groups)
        return torch.where(hit, drawn, tokens)

    def _rotary(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shape = self.config.transformer
        return rotary(positions, shape.d_model // shape.n_head, shape.rope_theta)


@torch.no_grad()
def _top10(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    better = logits > logits.gather(1, target[:, None])
    return (better.sum(1) < 10).float().mean()
