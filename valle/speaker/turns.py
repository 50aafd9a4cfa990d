"""Does one person speak in a recording, or two? Embeddings of windows, compared with each other."""
from __future__ import annotations

import numpy as np

from codec.audio import Samples
from valle.speaker.encoder import SpeakerEncoder

WINDOW, HOP = 1.6, 0.8   # seconds
LEAST_WINDOWS = 5        # 4.8 s of speech: of less nobody can tell
QUANTILE = 0.1           # of the cosines: the lowest one is chance


def least_likeness(speech: Samples, sample_rate: int, encoder: SpeakerEncoder) -> float:
    """How alike the windows of speech [N] without pauses are that are least alike, a cosine.

    A low quantile over all pairs that do not overlap; 1 where there are fewer than five windows.
    """
    size, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    starts = range(0, len(speech) - size + 1, hop)
    if len(starts) < LEAST_WINDOWS:
        return 1.0
    windows = np.stack([encoder(speech[start: start + size], sample_rate) for start in starts])
    apart = np.triu_indices(len(windows), round(WINDOW / HOP))
    return float(np.quantile((windows @ windows.T)[apart], QUANTILE))
