"""When each phone begins, by the recogniser's phone head: Viterbi over CTC's states."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from valle.features.fbank import HOP, SAMPLE_RATE
from valle.model.aligner import viterbi
from valle.recognizer.characters import BLANK
from valle.recognizer.conformer import SUBSAMPLING
from valle.recognizer.model import Recognizer, filterbanks

SECONDS = SUBSAMPLING * HOP / SAMPLE_RATE  # of an encoder frame: 40 ms


@torch.inference_mode()
def phone_starts(model: Recognizer, wav: torch.Tensor, phones: Sequence[str]) -> list[float]:
    """Seconds at which each phone (see `characters.pronounce`) begins in audio [N] at 16 kHz.

    CTC marks a phone by a frame or two and fills up with blanks: where a phone ends, it does not
    say, and a frame lasts 40 ms. For training data `valle.model.aligner.Aligner` is the better
    judge.

    Raises:
        ValueError: phones that the model does not know, or more of them than frames.
    """
    unknown = sorted(set(phones) - set(model.phone_ids))
    if unknown:
        raise ValueError(f"the recogniser does not know the phones {' '.join(unknown)}")
    _, _, by_phone, _ = model(*filterbanks(wav[None], torch.tensor([len(wav)])))
    path = ctc_path(by_phone[0].cpu().numpy(), [model.phone_ids[phone] for phone in phones])
    return [float(start) * SECONDS for start, _ in path]


def ctc_path(log_probs: NDArray[np.floating], labels: Sequence[int]) -> list[tuple[int, int]]:
    """(first frame, end) of each label on CTC's best path through log-probabilities [T, C].

    Unlike in CTC, two labels that are alike may follow one another without a blank.

    Raises:
        ValueError: more labels than frames.
    """
    states = np.full(2 * len(labels) + 1, BLANK)  # a blank before, between and after
    states[1::2] = labels
    durations = viterbi(log_probs[:, states].astype(np.float64),
                        [state % 2 == 0 for state in range(len(states))])
    ends = np.cumsum(durations).tolist()
    return list(zip(ends[0::2], ends[1::2], strict=False))
