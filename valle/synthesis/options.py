"""How speech is drawn, as a value; without torch, so that `--help` does not wait for it."""
from __future__ import annotations

from dataclasses import dataclass

from codec.record import WrongValue, check_range
from g2p.prosody import FASTEST, SLOWEST

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
        nar_temperature: the other codebooks are expected vectors, not codes: 1 takes the mean under
            the model's probabilities (plain words, an average voice), 0 the likeliest code.
        best_of: candidates to draw of each segment, of which the clearest in the nearest voice is
            kept.
        retries: draw further candidates of a segment, at most so many, while it is not fluent or
            its (English) words are not clear; 0 takes what there is, and is fastest.
        pause: least seconds of silence between sentences; between paragraphs it is twice as long.
        speed: 2 is twice as fast, 0.5 half as fast, at the same pitch.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 0.9
    ras_window: int = 10
    ras_threshold: float = 0.1
    guidance: float = 2.5
    nar_guidance: float = 1.5
    nar_temperature: float = 0.6
    best_of: int = 1
    retries: int = 3
    pause: float = 0.4
    speed: float = 1.0

    def __post_init__(self) -> None:
        check_range(self, temperature=(0.0, 10.0), top_k=(0, 1 << 20), top_p=(0.0, 1.0),
                    ras_window=(1, 10_000), ras_threshold=(0.0, 1.0), guidance=(1.0, 20.0),
                    nar_guidance=(1.0, 20.0), nar_temperature=(0.0, 10.0),
                    best_of=(1, MAX_CANDIDATES), retries=(0, MAX_CANDIDATES), pause=(0.0, 10.0),
                    speed=(SLOWEST, FASTEST))
        if self.top_p == 0:
            raise WrongValue("top_p", self.top_p, "must be above 0; 1 is off")
