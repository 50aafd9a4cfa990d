"""The numbers of a codec, as a value."""
from __future__ import annotations

from dataclasses import dataclass

from codec.record import check_range


@dataclass(frozen=True)
class CodecSpec:
    """The numbers of a codec, which nothing outside this folder writes down.

    The defaults are those of both codecs here: 75 frames a second.
    """

    sample_rate: int = 24_000
    hop: int = 320
    n_codebooks: int = 8
    codebook_size: int = 1024

    def __post_init__(self) -> None:
        check_range(self, sample_rate=(8_000, 96_000), hop=(1, 4_096), n_codebooks=(1, 64),
                    codebook_size=(2, 1 << 20))

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def frames(self, seconds: float) -> int:
        """The whole number of frames nearest to so many seconds."""
        return round(seconds * self.frame_rate)

    def frames_of(self, n_samples: int) -> int:
        """T, the frames of so many samples: the last one may be filled up."""
        return -(-n_samples // self.hop)
