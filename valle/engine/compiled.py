"""The AR's step as one compiled function of a fixed shape, and on CUDA as one graph.

What a GPU spends on a token of a small model is mostly the starting of operations. Here a step
always computes all rows over the whole cache and masks what is not there (the shape of gpt-fast,
https://pytorch.org/blog/accelerating-generative-ai-2/), so that torch.compile fuses its operations
once and a CUDA graph starts all of them together. Compiling takes some seconds at the first use.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
import torch.nn.functional as F

from valle.engine.kvcache import Cached, PackedAR
from valle.model.ar import AR

CAPACITIES = 512  # caches are a multiple of this long: each length is compiled once more
WARM_UP = 3       # steps before a capture, as torch advises


class CompileError(RuntimeError):
    """torch.compile does not work here; the message says why."""


class Compiled(Cached):
    """`Cached` with a compiled step; prefill is torch's."""

    def __init__(self, model: AR | PackedAR, capacity: int, width: int) -> None:
        super().__init__(model, -(-capacity // CAPACITIES) * CAPACITIES, width)
        for tensor in (*self.keys, *self.values):
            tensor.zero_()  # masked places are multiplied by 0, and must be numbers
        self.pairs = torch.view_as_real(self.turns)
        self.tokens = torch.zeros(width, 1, dtype=torch.long, device=self.device)
        self.at = torch.zeros(width, dtype=torch.long, device=self.device)
        self.rows = torch.arange(width, device=self.device)
        self._run = self._captured() if self.device.type == "cuda" else partial(compiled(), self)

    def step(self, tokens: list[int]) -> torch.Tensor:
        """The logits [B, V] that follow one more token in each row."""
        count = len(tokens)
        self.tokens[:count, 0] = torch.tensor(tokens, device=self.device)
        self.at[:count] = torch.tensor(self.ends, device=self.device)
        self.ends = [end + 1 for end in self.ends]
        self._check_room()
        return self._run()[:count].clone()

    def _all_rows(self) -> torch.Tensor:
        """Logits [width, V] after `tokens` at the places `at`; nothing in it depends on a value."""
        heard = (self.places <= self.at[:, None])[:, None, None]

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[self.rows, :, self.at], values[self.rows, :, self.at] = k[:, :, 0], v[:, :, 0]
            return F.scaled_dot_product_attention(q, keys, values, attn_mask=heard)

        return self._logits(self.tokens, self.pairs[self.at][:, None, None], attend)

    def _turned(self, pairs: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        if turn.is_complex():  # in the prefill; the compiler fuses real numbers alone
            return super()._turned(pairs, turn)
        (a, b), (cos, sin) = pairs.unbind(-1), turn.unbind(-1)
        return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1)

    def _captured(self) -> Callable[[], torch.Tensor]:
        """The step as a CUDA graph: each call starts it and gives the tensor that it fills."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                compiled()(self)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits = compiled()(self)

        def replay() -> torch.Tensor:
            graph.replay()
            return logits

        return replay


@cache
def compiled() -> Callable[[Compiled], torch.Tensor]:
    """The step, compiled for each width and capacity that comes."""
    return torch.compile(Compiled._all_rows, dynamic=False)


def check_compiler(device: torch.device) -> None:
    """Compile a sum; CompileError where that fails (no C++ compiler, no Triton)."""
    try:
        torch.compile(torch.add)(torch.ones(2, device=device), 1)
    except Exception as error:  # whatever the compiler below torch raises
        reason = str(error).strip().splitlines()[0]
        raise CompileError(f"torch.compile does not work here: {reason}") from error
