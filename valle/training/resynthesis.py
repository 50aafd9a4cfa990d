"""The losses of whatever turns speech into codes and back, or codes back into speech."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch_class
from valle.training.stage import Loss

REFERENCE = (1.0, 4.0)  # seconds of the same recording by which the decoder knows the voice
KNOWN_VOICE = 0.85      # share of steps


def stack(rows: Sequence[np.ndarray]) -> torch.Tensor:
    """Rows of a batch [...] as [B, ...]."""
    return torch.from_numpy(np.stack(rows))


def draw_codebooks(usual: int, most: int, rng: np.random.Generator) -> int:
    """How many codebooks a step decodes: `usual` in half of the steps, else any number of them."""
    return usual if rng.random() < 0.5 else int(rng.integers(1, most + 1))


def adversarial_optimizers(modules: Mapping[str, nn.Module], lr: float,
                           ) -> dict[str, torch.optim.Optimizer]:
    """One AdamW for each of the modules that learn against each other."""
    return {name: torch.optim.AdamW(module.parameters(), lr=lr, betas=(0.8, 0.95),
                                    weight_decay=0.0) for name, module in modules.items()}


def resynthesis_losses(wav: torch.Tensor, fake: torch.Tensor, scores: torch.Tensor,
                       f0: torch.Tensor, voiced: torch.Tensor, commitment: torch.Tensor,
                       sample_rate: int, discriminator: Discriminator | None, rows: int,
                       ) -> Iterator[Loss]:
    """Losses of a copy [B, N] of speech [B, N], for the optimizers "discriminator" and "codec".

    15 x spectral distance + 2 x cross-entropy of pitch (scores [B, T, P] against f0 [B, T] where
    voiced [B, T]) + 5 x commitment; with a discriminator, over the first
    `rows`, its judgement and twice the feature matching (EnCodec, arXiv:2210.13438, section 3.4).
    The discriminator learns first.
    """
    distance = spectral_distance(fake, wav, sample_rate)
    of_pitch = F.cross_entropy(scores[voiced], pitch_class(f0[voiced])).nan_to_num()
    value = 15 * distance + 2 * of_pitch + 5 * commitment
    metrics = {"train/loss": distance.detach(), "train/pitch": of_pitch.detach(),
               "train/commitment": commitment.detach()}
    if discriminator is not None:
        real, copy = wav[:rows], fake[:rows]
        own = discriminator.loss(real, copy.detach())
        yield Loss(own, 0.0, {"train/discriminator": own.detach()}, "discriminator")
        adversarial, matching = discriminator.generator_losses(real, copy)
        value = value + adversarial + 2 * matching
        metrics |= {"train/adversarial": adversarial.detach(), "train/matching": matching.detach()}
    yield Loss(value, wav.numel() / sample_rate, metrics, "codec")
