"""One batched sampler. Every row has its own generator, so a batch equals its single runs."""
from __future__ import annotations

from dataclasses import dataclass

import torch

from codec.record import WrongValue, check_range

MAX_CANDIDATES = 16  # of a segment
MOST_TEMPERATURE, MOST_GUIDANCE, MOST_PAUSE = 10.0, 20.0, 10.0


@dataclass(frozen=True)
class SamplingOptions:
    """How speech is drawn.

    temperature 0 is greedy. top_k 0 and top_p 1 keep everything. Repetition-aware sampling
    (VALL-E 2, arXiv:2406.05370, algorithm 1): when the drawn token makes up more than
    ras_threshold of the last ras_window tokens, it is drawn again from the full distribution.
    guidance, nar_guidance: classifier-free guidance of AR and NAR (decode.py); 1 is off. Models
    trained without dropped conditions need 1.

    pause: least seconds of silence between sentences; between paragraphs it is twice as long.

    best_of: candidates drawn of each segment, in one batch; the best is kept, by the words and the
    voice that the reranker hears (rerank.py). retries: further candidates, one after the other, of
    a segment that is not fluent (candidate.py), or whose (English) words are not clear, until one
    will do; 0 takes what there is.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 0.9
    ras_window: int = 10
    ras_threshold: float = 0.1
    guidance: float = 2.5
    nar_guidance: float = 1.0
    best_of: int = 1
    retries: int = 3
    pause: float = 0.4

    def __post_init__(self) -> None:
        check_range(self, temperature=(0.0, MOST_TEMPERATURE), top_k=(0, 1 << 20), top_p=(0.0, 1.0),
                    ras_window=(1, 10_000), ras_threshold=(0.0, 1.0), guidance=(1.0, MOST_GUIDANCE),
                    nar_guidance=(1.0, MOST_GUIDANCE), best_of=(1, MAX_CANDIDATES),
                    retries=(0, MAX_CANDIDATES), pause=(0.0, MOST_PAUSE))
        if self.top_p == 0:
            raise WrongValue("top_p", self.top_p, "must be above 0; 1 is off")


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
