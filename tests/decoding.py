"""What is decoded in tests: random requests, and rows that leave and join (continuous batching)."""
from __future__ import annotations

import shutil

import pytest
import torch
from conftest import TINY_CODES, TINY_PHONES

from valle.engine.base import Decoder
from valle.model.ar import AR
from valle.synthesis.decode import Request

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")), reason="needs a C compiler")

ROWS = [[1, 4, 9, 2, 30, 31, 32], [1, 4, 8, 7, 9, 2, 33, 34, 35, 36], [1, 4, 2, 40]]
LATER = [1, 4, 5, 6, 2, 41, 42]
PLACES, WIDTH = 64, 4
FRAME_RATE = 75.0


def request(model: AR, seed: int, phones: int = 5, heard: int = 6) -> Request:
    """A random text after a prompt of `heard` frames; first and last phone are boundaries."""
    draw = torch.Generator().manual_seed(seed)
    before, text = (torch.randint(1, TINY_PHONES, (n,), generator=draw).tolist()
                    for n in (3, phones))
    codes = torch.randint(TINY_CODES, (heard,), generator=draw).tolist()
    said = (model.ids.codes(codes) if model.config.layout == "plain"
            else model.ids.interleave(before, [heard - 2, 1, 1], codes))
    return Request([*model.ids.prefix("en-us", before + text), *said], text,
                   [True, *[False] * (phones - 2), True], seed, FRAME_RATE)


def follow(decoder: Decoder, rows: list[list[int]]) -> list[torch.Tensor]:
    """Logits [B, V] after the rows and after each of some more tokens."""
    with torch.inference_mode():
        return [decoder.prefill(rows), *go_on(decoder, rows)]


@torch.inference_mode()
def go_on(decoder: Decoder, rows: list[list[int]], steps: int = 6) -> list[torch.Tensor]:
    return [decoder.step([30 + step + row[-1] % 5 for row in rows]) for step in range(steps)]


@torch.inference_mode()
def come_and_go(decoder: Decoder) -> list[torch.Tensor]:
    """Of three rows the first leaves, the last takes its place, and another row joins them."""
    logits = follow(decoder, ROWS)
    decoder.keep([2, 1])
    logits.append(decoder.step([50, 51]))
    logits.append(decoder.prefill([LATER]))
    logits.append(decoder.step([52, 53, 54]))
    decoder.keep([])
    logits += follow(decoder, [LATER])
    return logits
