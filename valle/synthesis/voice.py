"""A voice, as the models take it: the codes of a recording and what is said in it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from codec.colour import Colour
from g2p import BOUNDARIES


@dataclass(frozen=True)
class Prompt:
    """A voice: all codes [Q, T], phones and, for the interleaved layout, frames per phone; and the
    colour of the whole recording."""

    codes: torch.Tensor
    phones: list[str]
    durations: list[int] | None
    colour: Colour

    def cut(self, frames: int) -> Prompt:
        """The start of the prompt, up to the word end nearest to `frames` frames.

        Nearest, not last before: an aligner may place a long gap there, and 0.2 s are no prompt.
        Without durations nobody knows where the words end, and the prompt stays whole.
        """
        if self.durations is None:
            return self
        ends = np.cumsum(self.durations)
        cuts = [i for i, phone in enumerate(self.phones) if phone in BOUNDARIES and i]
        cut = min(cuts, key=lambda i: abs(int(ends[i]) - frames), default=len(ends) - 1)
        if cut == len(ends) - 1:
            return self
        return Prompt(self.codes[:, : int(ends[cut])], [*self.phones[:cut], "."],
                      self.durations[: cut + 1], self.colour)
