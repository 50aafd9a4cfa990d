"""What trains a codec: spectral distances, and a discriminator of short-time spectra.

Losses follow EnCodec (Défossez et al. 2022, section 3.4): multi-scale mel L1 + L2, hinge GAN and
feature matching with the multi-scale STFT discriminator, whose class is EnCodec's own.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from codec.mel import mel_filters

SCALES = ((256, 32), (512, 64), (1024, 80), (2048, 120))  # (window, mel bins)


def spectral_distance(wav: torch.Tensor, target: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Mean over scales of |log-mel difference|, for audio [B, N] against audio [B, N]."""
    total = wav.new_zeros(())
    for n_fft, n_mels in SCALES:
        window = torch.hann_window(n_fft, device=wav.device)
        filters = mel_filters(sample_rate, n_fft, n_mels).to(wav.device)
        a, b = (filters @ torch.stft(x.float(), n_fft, n_fft // 4, window=window,
                                     return_complex=True).abs() for x in (wav, target))
        total = total + F.l1_loss(a.clamp(min=1e-4).log(), b.clamp(min=1e-4).log())
    return total / len(SCALES)


class Discriminator(nn.Module):
    """EnCodec's multi-scale STFT discriminator with the two losses that use it."""

    def __init__(self, filters: int = 16) -> None:
        super().__init__()
        from codec.upstream import MultiScaleSTFTDiscriminator

        windows = [1024, 2048, 512]
        self.network = MultiScaleSTFTDiscriminator(
            filters=filters, n_ffts=windows, win_lengths=windows,
            hop_lengths=[w // 4 for w in windows])

    def loss(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Hinge loss of the discriminator; audio [B, N], `fake` without gradient."""
        # The mean over scales of relu(1 - D(x)) + relu(1 + D(x^)).
        logits, _ = self.network(torch.cat([real, fake])[:, None])
        loss = real.new_zeros(())
        for scale in logits:
            on_real, on_fake = scale.float().chunk(2)
            loss = loss + F.relu(1 - on_real).mean() + F.relu(1 + on_fake).mean()
        return loss / len(logits)

    def generator_losses(self, real: torch.Tensor, fake: torch.Tensor,
                         ) -> tuple[torch.Tensor, torch.Tensor]:
        """(adversarial, feature matching) for audio [B, N]; feature distances are relative."""
        with torch.no_grad():
            _, real_maps = self.network(real[:, None])
        logits, fake_maps = self.network(fake[:, None])
        adversarial = torch.stack([F.relu(1 - scale.float()).mean() for scale in logits]).mean()
        distances = [(f.float() - r.float()).abs().mean() / r.float().abs().mean().clamp(min=1e-6)
                     for fs, rs in zip(fake_maps, real_maps, strict=True)
                     for f, r in zip(fs, rs, strict=True)]
        return adversarial, torch.stack(distances).mean()
