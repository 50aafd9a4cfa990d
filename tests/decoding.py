"""Rows given to a decoder, which leave and join as they do in continuous batching."""
from __future__ import annotations

import torch

from valle.generate import Decoder

ROWS = [[1, 4, 9, 2, 30, 31, 32], [1, 4, 8, 7, 9, 2, 33, 34, 35, 36], [1, 4, 2, 40]]
LATER = [1, 4, 5, 6, 2, 41, 42]
PLACES, WIDTH = 64, 4


def follow(decoder: Decoder, rows: list[list[int]]) -> list[torch.Tensor]:
    """Logits [B, V] after the rows and after each of some more tokens."""
    with torch.inference_mode():
        return [decoder.join(rows), *go_on(decoder, rows)]


@torch.inference_mode()
def go_on(decoder: Decoder, rows: list[list[int]], steps: int = 6) -> list[torch.Tensor]:
    return [decoder.step([30 + step + row[-1] % 5 for row in rows]) for step in range(steps)]


@torch.inference_mode()
def come_and_go(decoder: Decoder) -> list[torch.Tensor]:
    """Of three rows the first leaves, the last takes its place, and another row joins them."""
    logits = follow(decoder, ROWS)
    decoder.keep([2, 1])
    logits.append(decoder.step([50, 51]))
    logits.append(decoder.join([LATER]))
    logits.append(decoder.step([52, 53, 54]))
    decoder.keep([])
    logits += follow(decoder, [LATER])
    return logits
