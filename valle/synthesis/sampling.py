"""One batched sampler. Every row has its own generator, so a batch equals its single runs."""
from __future__ import annotations

import torch

from valle.synthesis.options import SamplingOptions


def generators(seeds: list[int]) -> list[torch.Generator]:
    """One generator for each row; any whole number is a seed."""
    return [torch.Generator().manual_seed(seed % 2 ** 63) for seed in seeds]


def uniforms(rows: list[torch.Generator]) -> torch.Tensor:
    """One number in [0, 1) for each row, [B], float64."""
    return torch.stack([torch.rand((), generator=g, dtype=torch.float64) for g in rows])


def truncate(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """Logits [B, V] with everything outside the top-k and the nucleus at -inf.

    The nucleus (Holtzman et al. 2020) is the smallest set of the likeliest tokens whose
    probabilities reach top_p; it always holds at least one.
    """
    if 0 < top_k < logits.shape[-1]:
        kth = logits.topk(top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if top_p < 1:
        ordered, order = logits.sort(dim=-1, descending=True, stable=True)
        probabilities = ordered.softmax(dim=-1)
        outside = probabilities.cumsum(dim=-1) - probabilities >= top_p
        logits = logits.masked_fill(outside.scatter(-1, order, outside), -torch.inf)
    return logits


def draw(logits: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """Inverse-CDF draw from softmax(logits [B, V]) at u [B] in [0, 1); tokens [B]."""
    cumulative = logits.double().softmax(dim=-1).cumsum(dim=-1)
    threshold = (u * cumulative[:, -1])[:, None]
    return (cumulative <= threshold).sum(dim=-1).clamp(max=logits.shape[-1] - 1)


def sample(logits: torch.Tensor, history: torch.Tensor, options: SamplingOptions,
           rows: list[torch.Generator]) -> torch.Tensor:
    """Draw one token for each row.

    Args:
        logits: [B, V], -inf where a token is not allowed.
        history: the last tokens [B, W], any W; -1 where there is none.
    Returns:
        tokens [B].
    """
    if options.temperature == 0:
        return logits.argmax(dim=-1)
    first, second = uniforms(rows), uniforms(rows)
    scaled = logits / options.temperature
    tokens = draw(truncate(scaled, options.top_k, options.top_p), first)
    window = history[:, max(0, history.shape[1] - options.ras_window):]
    repeated = (window == tokens[:, None]).sum(dim=1) > options.ras_threshold * options.ras_window
    if not repeated.any():
        return tokens
    return torch.where(repeated, draw(logits, second), tokens)
