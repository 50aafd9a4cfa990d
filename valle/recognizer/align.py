"""When each phone begins, by the recogniser's phone head: Viterbi over CTC's states."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from valle.align import viterbi
from valle.recognizer.conformer import SUBSAMPLING
from valle.recognizer.model import Recognizer, filterbanks
from valle.speaker.fbank import HOP, SAMPLE_RATE

SECONDS = SUBSAMPLING * HOP / SAMPLE_RATE  # of an encoder frame: 40 ms


@torch.inference_mode()
def phone_starts(model: Recognizer, wav: torch.Tensor, phones: Sequence[str]) -> list[float]:
    """Seconds at which each phone (see `characters.pronounce`) begins in audio [N] at 16 kHz.

    CTC marks a phone by a frame or two and fills up with blanks: where a phone ends, it does not
    say, and a frame lasts 40 ms. For training data `valle.align.Aligner` is the better judge.

    Raises:
        ValueError: phones that the model does not know, or more of them than frames.
    """
    unknown = sorted(set(phones) - set(model.phone_ids))
    if unknown:
        raise ValueError(f"the recogniser does not know the phones {' '.join(unknown)}")
    _, _, by_phone, _ = model(*filterbanks(wav[None], torch.tensor([len(wav)])))
    labels = np.zeros(2 * len(phones) + 1, int)  # a blank before, between and after
    labels[1::2] = [model.phone_ids[phone] for phone in phones]
    optional = [state % 2 == 0 for state in range(len(labels))]
    durations = viterbi(by_phone[0, :, labels].double().cpu().numpy(), optional)
    return [float(start) * SECONDS for start in np.cumsum([0, *durations[:-1]])[1::2]]
