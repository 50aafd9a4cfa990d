"""One training step of whatever turns speech into codes and back, or codes back into speech."""
from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F

from codec.discriminator import Discriminator, spectral_distance
from codec.source import pitch_class
from valle.training.loop import Metrics, update


def resynthesis_step(wav: torch.Tensor, fake: torch.Tensor, scores: torch.Tensor,
                     f0: torch.Tensor, voiced: torch.Tensor, commitment: torch.Tensor,
                     sample_rate: int, optimizers: Mapping[str, torch.optim.Optimizer],
                     adversary: Discriminator | None, critic_batch: int) -> Metrics:
    """Losses of a copy [B, N] of speech [B, N], backward, and one step of the optimizers.

    15 x spectral distance + 2 x cross-entropy of pitch (scores [B, T, P] against f0 [B, T] where
    voiced [B, T]) + 5 x commitment; with an adversary, over the first `critic_batch` rows, its
    judgement and twice the feature matching (EnCodec, arXiv:2210.13438, section 3.4).
    optimizers: "codec", and "adversary" with one.
    """
    distance = spectral_distance(fake, wav, sample_rate)
    of_pitch = F.cross_entropy(scores[voiced], pitch_class(f0[voiced])).nan_to_num()
    loss = 15 * distance + 2 * of_pitch + 5 * commitment
    metrics = {"train/loss": float(distance.detach()), "train/pitch": float(of_pitch.detach()),
               "train/commitment": float(commitment.detach())}
    if adversary is not None:
        real, copy = wav[:critic_batch], fake[:critic_batch]
        critic = adversary.critic_loss(real, copy.detach())
        critic.backward()
        update(optimizers["adversary"], clip=10.0)
        adversarial, matching = adversary.generator_losses(real, copy)
        loss = loss + adversarial + 2 * matching
        metrics |= {"train/critic": float(critic.detach()),
                    "train/adversarial": float(adversarial.detach()),
                    "train/matching": float(matching.detach())}
    loss.backward()
    if adversary is not None:
        adversary.zero_grad(set_to_none=True)
    return metrics | update(optimizers["codec"], clip=10.0) | {
        "train/units": wav.numel() / sample_rate}
