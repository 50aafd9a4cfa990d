"""Continuous batching: many requests decoded side by side, each as if it were alone."""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from valle.engine.base import Decodable, Decoder
from valle.engine.kvcache import Cached
from valle.model.tokens import TokenIds
from valle.synthesis.decode import (
    Generated,
    Guided,
    InterleavedWriter,
    PlainWriter,
    Request,
    Writer,
)
from valle.synthesis.sampling import SamplingOptions, generators, sample

MAX_ROWS = 16  # requests decoded side by side


@dataclass(frozen=True)
class Row:
    """A request while it is decoded."""

    key: Any
    writer: Writer
    rng: torch.Generator


class Batch:
    """Requests that are decoded side by side; any may join, end or be dropped at any time.

    This is continuous batching (Yu et al. 2022, Orca): a row's result depends on its own request
    and seed alone, not on who is beside it, and not on when they come and go.
    """

    def __init__(self, model: Decodable, options: SamplingOptions,
                 decoder: Callable[[Any, int, int], Decoder], capacity: int, width: int) -> None:
        """capacity: the largest `room` of a request. width: requests side by side, at most."""
        self.ids, self.options = model.ids, options
        self.capacity, self.width = capacity, width
        self.guided = options.guidance != 1
        rows = decoder(model, capacity, width * (2 if self.guided else 1))
        self.rows = Guided(rows, self.ids, options.guidance) if self.guided else rows
        self.writer = InterleavedWriter if model.config.layout == "interleaved" else PlainWriter
        self.active: list[Row] = []
        self.logits = torch.empty(0)

    def __len__(self) -> int:
        return len(self.active)

    @torch.inference_mode()
    def join(self, requests: Sequence[tuple[Any, Request]]) -> None:
        """Take in requests, each with a key by which its result will be known."""
        first = self.rows.prefill([row for _, request in requests for row in (
            (request.tokens, request.unconditional(self.ids)) if self.guided
            else (request.tokens,))])
        self.logits = torch.cat([self.logits, first]) if self.active else first
        rngs = generators([request.seed for _, request in requests])
        self.active += [Row(key, self.writer(request, self.ids), rng)
                        for (key, request), rng in zip(requests, rngs, strict=True)]

    @torch.inference_mode()
    def step(self) -> list[tuple[Any, Generated]]:
        """One more token in every row; (key, result) of those that have ended and left."""
        tokens = _next_tokens(self.logits.float(), [row.writer for row in self.active],
                              [row.rng for row in self.active], self.ids, self.options)
        ended = [(row.key, row.writer.generated()) for row in self.active if row.writer.done]
        alive = self._keep([place for place, row in enumerate(self.active) if not row.writer.done])
        if alive:
            self.logits = self.rows.step([tokens[place] for place in alive])
        return ended

    def drop(self, keys: Collection[Any]) -> None:
        """Go on without these requests."""
        alive = self._keep([place for place, row in enumerate(self.active)
                            if row.key not in keys])
        self.logits = self.logits[alive]

    def _keep(self, places: list[int]) -> list[int]:
        """Drop all rows but these; the order in which they are now."""
        alive = closed_up(places)
        if len(alive) < len(self.active):
            self.rows.keep(alive)
            self.active = [self.active[place] for place in alive]
        return alive


def room(request: Request, layout: str, ids: TokenIds) -> int:
    """Tokens that a request may take in a decoder, by its cap."""
    writer = InterleavedWriter if layout == "interleaved" else PlainWriter
    return len(request.tokens) + 2 + writer(request, ids).most + len(request.phones)


def generate(model: Decodable, requests: Sequence[Request], options: SamplingOptions,
             decoder: Callable[[Any, int, int], Decoder] = Cached,
             on_frame: Callable[[int], None] | None = None, width: int = MAX_ROWS,
             ) -> list[Generated]:
    """Codebook 1 for every request, `width` of them side by side.

    Where a row has ended the next request takes its place. on_frame(n) is called after each step
    with the number of tokens written, for a progress bar.
    """
    capacity = max(room(request, model.config.layout, model.ids) for request in requests)
    batch = Batch(model, options, decoder, capacity, min(width, len(requests)))
    waiting = list(enumerate(requests))
    found: dict[int, Generated] = {}
    while batch or waiting:
        if joining := waiting[: batch.width - len(batch)]:
            waiting = waiting[len(joining):]
            batch.join(joining)
        writing = len(batch)
        found.update(batch.step())
        if on_frame is not None:
            on_frame(writing)
    return [found[index] for index in range(len(requests))]


def closed_up(rows: list[int]) -> list[int]:
    """Ascending rows, each in its own place, and in the gaps those that are beyond the end."""
    beyond = [row for row in rows if row >= len(rows)]
    return [place if place in rows else beyond.pop() for place in range(len(rows))]


def _next_tokens(logits: torch.Tensor, writers: Sequence[Writer], rngs: list[torch.Generator],
                 ids: TokenIds, options: SamplingOptions) -> list[int]:
    """Draw a group of codes for every row, then let each row's layout take it or move on."""
    window, group = options.ras_window, ids.group
    history = torch.tensor([([-1] * window + w.codes[-window:])[-window:] for w in writers],
                           device=logits.device).repeat_interleave(group, 0)
    heads = logits[:, ids.first_code:].unflatten(1, (group, -1)).flatten(0, 1)
    drawn = sample(heads, history, options, [rng for rng in rngs for _ in range(group)])
    codes = drawn.view(-1, group).tolist()
    tokens = []
    for row, (writer, rng) in enumerate(zip(writers, rngs, strict=True)):
        u = float(torch.rand((), generator=rng, dtype=torch.float64))
        if options.temperature < 1:  # lower temperature: lengths closer to the median
            u = 0.5 + (u - 0.5) * options.temperature
        tokens.append(writer.choose(logits[row], codes[row], u))
    return tokens
