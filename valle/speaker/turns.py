"""Does one person speak in a recording, or two? Embeddings of windows, split into two groups."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.audio import Samples
from valle.speaker.encoder import SpeakerEncoder, cosine

WINDOW, HOP = 1.6, 0.8   # seconds
LEAST_WINDOWS = 5        # 4.8 s of speech: of less nobody can tell


def likeness_of_halves(speech: Samples, sample_rate: int, encoder: SpeakerEncoder) -> float:
    """Cosine between the two groups of windows that speech [N] without pauses falls into.

    Windows are parted by the sign of their leading principal component. Two people give two
    different means, one person two that are alike. 1 where there are fewer than five windows.
    """
    size, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    starts = range(0, len(speech) - size + 1, hop)
    if len(starts) < LEAST_WINDOWS:
        return 1.0
    windows: NDArray[np.float32] = np.stack(
        [encoder(speech[start: start + size], sample_rate) for start in starts])
    _, _, components = np.linalg.svd(windows - windows.mean(axis=0), full_matrices=False)
    first = (windows - windows.mean(axis=0)) @ components[0] > 0
    if not 2 <= first.sum() <= len(first) - 2:
        return 1.0
    return cosine(windows[first].mean(axis=0), windows[~first].mean(axis=0))
