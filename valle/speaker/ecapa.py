"""ECAPA-TDNN (Desplanques et al. 2020, arXiv:2005.07143)."""
from __future__ import annotations

import torch
from torch import nn

N_MELS = 80
EMBEDDING = 192
DILATIONS = (2, 3, 4)
SCALE = 8            # parts of a Res2 convolution
BOTTLENECK = 128     # of squeeze-excitation and of attention
MOST_AGGREGATED = 1536


def layer(inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution over time, ReLU, batch normalisation; [B, inputs, T] to [B, outputs, T]."""
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, dilation=dilation,
                  padding=dilation * (kernel - 1) // 2),
        nn.ReLU(), nn.BatchNorm1d(outputs))


class Res2Convolution(nn.Module):
    """Dilated convolutions of parts of the channels, each fed with the result of the one before.

    The last part passes as it is (Gao et al. 2019). [B, C, T] to [B, C, T].
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        width = channels // SCALE
        self.parts = nn.ModuleList([layer(width, width, 3, dilation) for _ in range(SCALE - 1)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *inputs, last = x.chunk(SCALE, dim=1)
        outputs = [self.parts[0](inputs[0])]
        for part, given in zip(self.parts[1:], inputs[1:], strict=True):  # type: ignore[arg-type]
            outputs.append(part(given + outputs[-1]))
        return torch.cat([*outputs, last], dim=1)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate that sees the means of all (equations 4 and 5); [B, C, T]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(channels, BOTTLENECK), nn.ReLU(),
                                  nn.Linear(BOTTLENECK, channels), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x.mean(dim=2))[..., None]


def se_res2_block(channels: int, dilation: int) -> nn.Sequential:
    """The block of figure 1 without its shortcut; [B, C, T] to [B, C, T]."""
    return nn.Sequential(layer(channels, channels), Res2Convolution(channels, dilation),
                         layer(channels, channels), SqueezeExcitation(channels))


class AttentiveStatistics(nn.Module):
    """Mean and deviation under attention per channel that sees the whole clip (equations 1 to 3).

    [B, C, T] to [B, 2 C].
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(layer(3 * channels, BOTTLENECK), nn.Tanh(),
                                       nn.Conv1d(BOTTLENECK, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.float()  # variances are differences of squares: not in half precision
        context = torch.cat([x.mean(dim=2), deviation(x, x.new_tensor(1 / x.shape[2]))], dim=1)
        seen = torch.cat([x, context[..., None].expand(-1, -1, x.shape[2])], dim=1)
        weights = self.attention(seen).float().softmax(dim=2)
        return torch.cat([(weights * x).sum(dim=2), deviation(x, weights)], dim=1)


def deviation(x: torch.Tensor, weights: torch.Tensor, least: float = 1e-6) -> torch.Tensor:
    """Standard deviation [B, C] over time of x [B, C, T] under weights that sum to one.

    least: variance below which it counts as this, so that the root has a slope.
    """
    mean = (weights * x).sum(dim=2)
    return ((weights * x.square()).sum(dim=2) - mean.square()).clamp(min=least).sqrt()


class EcapaTDNN(nn.Module):
    """Three SE-Res2 blocks, their outputs aggregated and pooled (figure 2).

    6.2 M parameters with 512 channels, 14.7 M with 1024. Fewer channels also aggregate fewer:
    three times their number instead of 1536.

    Raises:
        ValueError: channels are not a multiple of 8.
    """

    n_mels, embedding = N_MELS, EMBEDDING

    def __init__(self, channels: int = 512) -> None:
        super().__init__()
        if channels < SCALE or channels % SCALE:
            raise ValueError(f"--channels {channels}: ecapa needs a multiple of {SCALE}")
        aggregated = min(MOST_AGGREGATED, 3 * channels)
        self.first = layer(N_MELS, channels, 5)
        self.blocks = nn.ModuleList([se_res2_block(channels, dilation)
                                     for dilation in DILATIONS])
        self.aggregate = nn.Sequential(nn.Conv1d(len(DILATIONS) * channels, aggregated, 1),
                                       nn.ReLU())
        self.pool = AttentiveStatistics(aggregated)
        self.embed = nn.Sequential(nn.BatchNorm1d(2 * aggregated),
                                   nn.Linear(2 * aggregated, EMBEDDING), nn.BatchNorm1d(EMBEDDING))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, 80] to embeddings [B, 192] of any length."""
        total = self.first(features.transpose(1, 2))
        outputs = []
        for block in self.blocks:  # each reads the sum of all before it (section 3.2)
            outputs.append(block(total) + total)
            total = total + outputs[-1]
        return self.embed(self.pool(self.aggregate(torch.cat(outputs, dim=1))))
