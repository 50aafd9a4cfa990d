"""How speech is drawn, as a value; without torch, so that `--help` does not wait for it."""
from __future__ import annotations

from dataclasses import dataclass

MAX_CANDIDATES = 16  # of a segment


@dataclass(frozen=True)
class SamplingOptions:
    """How speech is drawn.

    Attributes:
        temperature: lower is plainer and steadier, 0 is greedy.
        top_k: keep the k likeliest codes; 0 keeps all.
        top_p: keep the likeliest codes that together reach this probability; 1 keeps all.
        ras_window: the last codes that repetition-aware sampling looks at (VALL-E 2,
            arXiv:2406.05370, algorithm 1).
        ras_threshold: a drawn code that makes up more than this share of the window is drawn again
            from the full distribution; 1 turns that off.
        guidance: how far text and prompt lead codebook 1 beyond what the model learned
            (classifier-free guidance): clearer words, a nearer voice; 1 is off and a third faster.
            Models trained without dropped conditions need 1.
        nar_guidance: the same for the other codebooks.
        best_of: candidates to draw of each segment, of which the clearest in the nearest voice is
            kept.
        retries: draw further candidates of a segment, at most so many, while it is not fluent or
            its (English) words are not clear; 0 takes what there is, and is fastest.
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

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ValueError(f"--temperature {self.temperature}: must be 0 or more")
        if self.top_k < 0:
            raise ValueError(f"--top-k {self.top_k}: must be 0 (off) or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"--top-p {self.top_p}: must be above 0 and at most 1")
        for flag, weight in (("guidance", self.guidance), ("nar-guidance", self.nar_guidance)):
            if not 1 <= weight < float("inf"):
                raise ValueError(f"--{flag} {weight}: must be 1 (off) or more")
        if not 1 <= self.best_of <= MAX_CANDIDATES:
            raise ValueError(f"--best-of {self.best_of}: must be 1 to {MAX_CANDIDATES}")
        if not 0 <= self.retries <= MAX_CANDIDATES:
            raise ValueError(f"--retries {self.retries}: must be 0 to {MAX_CANDIDATES}")
        if self.ras_window < 1:
            raise ValueError(f"--ras-window {self.ras_window}: must be 1 or more")
        if not 0 <= self.ras_threshold <= 1:
            raise ValueError(f"--ras-threshold {self.ras_threshold}: must be 0 to 1 (off)")
