"""What a model in training sounds like, for TensorBoard: one unseen speaker, spoken to the end."""
from __future__ import annotations

from itertools import accumulate

import torch

from codec import Codec
from g2p import BOUNDARIES, Vocabulary
from valle.model.ar import AR
from valle.model.nar import NAR, NARBatch
from valle.synthesis.batch import generate
from valle.synthesis.decode import Request, fill_codebooks
from valle.synthesis.sampling import SamplingOptions
from valle.training.speech import Sample


def speak_on(model: AR, sample: Sample, vocabulary: Vocabulary, codec: Codec) -> torch.Tensor:
    """Codebook 1 of a sample: its first half as it is, the rest spoken by the model; audio [N]."""
    ids, codes = model.ids, sample.codes[0].tolist()
    codes, target = codes[: len(codes) // 2], sample.phones
    heard = ids.codes(codes)
    if model.config.layout == "interleaved" and sample.durations is not None:
        first = sum(end <= len(codes) for end in accumulate(sample.durations))
        codes, target = codes[: sum(sample.durations[:first])], sample.phones[first:]
        heard = ids.interleave(sample.phones[:first], sample.durations[:first], codes)
    boundary = [vocabulary.phones[phone] in BOUNDARIES for phone in target]
    request = Request([*ids.prefix(sample.language, sample.phones), *heard], target, boundary, 0,
                      codec.frame_rate)
    spoken = generate(model, [request], SamplingOptions())[0]
    return codec.decode(torch.tensor([*codes, *spoken.codes])[None, None])[0, 0]


def fill(model: NAR, row: NARBatch, codec: Codec) -> torch.Tensor:
    """A batch of one row, its codebooks after the prompt filled by the model: audio [N]."""
    return codec.decode(fill_codebooks(model, row).cpu())[0, 0]
