"""The numbers of a codec, as a value."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecSpec:
    """The numbers of a codec, which nothing outside this folder writes down.

    The defaults are those of both codecs here: 75 frames a second.
    """

    sample_rate: int = 24_000
    hop: int = 320
    n_codebooks: int = 8
    codebook_size: int = 1024

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def frames(self, seconds: float) -> int:
        """The whole number of frames nearest to so many seconds."""
        return round(seconds * self.frame_rate)
