"""Deep Speaker (Li et al. 2017, arXiv:1705.02304): a residual CNN or a GRU, averaged over time."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

N_MELS = 64
EMBEDDING = 512
STAGES = 4        # of the residual CNN, each at half the resolution of the one before
BLOCKS = 3        # in a stage
GRU_CHANNELS = 64  # of the convolution before the recurrent layers


def clipped_relu(x: torch.Tensor) -> torch.Tensor:
    """min(max(x, 0), 20), section 2.1, equation 1; any shape."""
    return F.hardtanh(x, 0.0, 20.0)


def halved(size: int, times: int) -> int:
    """What is left of a dimension after convolutions of stride 2 that pad at the edges."""
    for _ in range(times):
        size = (size + 1) // 2
    return size


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution over time and frequency, then batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions and an identity shortcut (figure 2); [B, C, T, F] to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels, 3)
        self.second = convolution(channels, channels, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return clipped_relu(self.second(clipped_relu(self.first(x))) + x)


class DeepSpeakerResCNN(nn.Module):
    """The residual CNN of table 1; 24 M parameters with 64 channels.

    Four stages of a strided 5 × 5 convolution and three residual blocks; each has twice the
    channels of the one before.
    """

    n_mels, embedding = N_MELS, EMBEDDING

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 1
        for stage in range(STAGES):
            outputs = channels * 2 ** stage
            layers += [convolution(inputs, outputs, 5, stride=2), nn.Hardtanh(0.0, 20.0),
                       *(ResidualBlock(outputs) for _ in range(BLOCKS))]
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.affine = nn.Linear(inputs * halved(N_MELS, STAGES), EMBEDDING)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, 64] to embeddings [B, 512] before length normalisation."""
        x = self.layers(features[:, None])           # [B, C, T / 16, F / 16]
        return self.affine(x.mean(dim=2).flatten(1))  # temporal mean (equation 2), affine


class DeepSpeakerGRU(nn.Module):
    """A strided convolution and three forward GRU layers, table 2; 23 M parameters with 1024 units.

    Every layer reads inputs normalised over batch and time. The recurrent cell keeps its tanh, as
    the fast implementations have it; the clipped ReLU follows the convolution.
    """

    n_mels, embedding = N_MELS, EMBEDDING

    def __init__(self, channels: int = 1024) -> None:
        super().__init__()
        self.convolution = convolution(1, GRU_CHANNELS, 5, stride=2)
        sizes = [GRU_CHANNELS * halved(N_MELS, 1), channels, channels]
        self.norms = nn.ModuleList([nn.BatchNorm1d(size) for size in sizes])
        self.layers = nn.ModuleList([nn.GRU(size, channels, batch_first=True) for size in sizes])
        self.affine = nn.Linear(channels, EMBEDDING)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, 64] to embeddings [B, 512] before length normalisation."""
        x = clipped_relu(self.convolution(features[:, None]))  # [B, 64, T / 2, F / 2]
        x = x.transpose(1, 2).flatten(2)                       # [B, T / 2, 64 F / 2]
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x, _ = layer(norm(x.transpose(1, 2)).transpose(1, 2))
        return self.affine(x.mean(dim=1))
