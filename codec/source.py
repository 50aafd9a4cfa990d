"""Where voiced sound comes from: the pitch of a recording, and the pulses and noise of a voice.

A decoder that must invent phases learns slowly. Pulses at the right pitch bring coherent phases
along, and leave it the magnitudes of two filters: the source-filter idea of DDSP (Engel et al.
2020, arXiv:2001.04643) and of neural source-filter vocoders (Wang et al. 2019, arXiv:1904.12088).
"""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F

LOWEST, HIGHEST = 60.0, 500.0  # Hz, of pitch
PERIODIC = 0.2                 # of YIN: the first dip below this is the period
VOICED = 0.35                  # frames whose best dip is deeper have a pitch
TYPICAL = 150.0                # Hz, where no frame has one
STEPS = 24                     # classes of pitch in an octave
PITCHES = LOWEST * torch.exp2(torch.arange(math.log2(HIGHEST / LOWEST) * STEPS + 1) / STEPS)


def pitch(wav: torch.Tensor, sample_rate: int, hop: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pitch in Hz [B, T] and whether a frame is voiced [B, T], of audio [B, N], T = N // hop.

    YIN (de Cheveigné and Kawahara 2002, equations 6 and 8) over frames centred on their hop;
    unvoiced frames get the pitch between their voiced neighbours'.
    """
    most, least = int(sample_rate / LOWEST), int(sample_rate / HIGHEST)
    size = 2 * most
    edge = (size + most - hop) // 2
    frames = F.pad(wav.float(), (edge, edge + hop)).unfold(1, size + most, hop)
    frames = frames[:, : wav.shape[1] // hop]
    n_fft = 2 * (size + most)
    spectrum = torch.fft.rfft(frames, n_fft)
    start = torch.fft.rfft(frames[..., :size], n_fft)
    products = torch.fft.irfft(start.conj() * spectrum, n_fft)[..., : most + 1]
    energy = F.pad(frames.square().cumsum(-1), (1, 0))
    energies = energy[..., size: size + most + 1] - energy[..., : most + 1]
    difference = (energies[..., :1] + energies - 2 * products).clamp(min=0)
    lags = torch.arange(1, most + 1, device=wav.device)
    relative = difference[..., 1:] * lags / difference[..., 1:].cumsum(-1).clamp(min=1e-8)
    relative = relative[..., least - 1:]
    dip = F.pad((relative[..., 1:-1] <= relative[..., 2:])
                & (relative[..., 1:-1] < relative[..., :-2]), (1, 1))
    good = dip & (relative < PERIODIC)
    best = torch.where(good.any(-1), good.float().argmax(-1), relative.argmin(-1))
    depth = relative.gather(-1, best[..., None])[..., 0]
    voiced = (depth < VOICED) & (energies[..., 0] > 1e-4 * size)
    return _between(sample_rate / (best + least).float(), voiced), voiced


def _between(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Values [B, T] with those that are not known drawn linearly between their neighbours."""
    time = torch.arange(values.shape[1], device=values.device).expand_as(values)
    last = torch.where(known, time, -1).cummax(1).values
    following = torch.where(known, time, values.shape[1]).flip(1).cummin(1).values.flip(1)
    before, after = last.clamp(min=0), following.clamp(max=values.shape[1] - 1)
    before = torch.where(last < 0, after, before)
    after = torch.where(following >= values.shape[1], before, after)
    share = (time - before) / (after - before).clamp(min=1)
    drawn = values.gather(1, before) * (1 - share) + values.gather(1, after) * share
    return torch.where(known.any(1, keepdim=True), drawn, torch.full_like(drawn, TYPICAL))


def pitch_class(f0: torch.Tensor) -> torch.Tensor:
    """Pitch in Hz to the index of the nearest of PITCHES."""
    return ((f0 / LOWEST).log2() * STEPS).round().long().clamp(0, len(PITCHES) - 1)


def best_pitch(scores: torch.Tensor) -> torch.Tensor:
    """Logits of PITCHES [B, T, P] to pitch in Hz [B, T]: the mean around the best class.

    As CREPE does (Kim et al. 2018, arXiv:1802.06182, equation 2), here among five classes.
    """
    steps = torch.arange(len(PITCHES), device=scores.device)
    near = (steps - scores.argmax(2, keepdim=True)).abs() <= 2
    share = scores.masked_fill(~near, -torch.inf).softmax(2)
    return LOWEST * ((share * steps).sum(2) / STEPS).exp2()


def pulses(f0: torch.Tensor, sample_rate: int, hop: int) -> torch.Tensor:
    """Pitch in Hz [B, T] to [B, T * hop]: all its harmonics below half the rate, at amplitude 1.

    The sum of K cosines in closed form (the Dirichlet kernel).
    """
    rate = F.interpolate(f0[:, None].double(), scale_factor=hop, mode="linear")[:, 0]
    cycles = (rate / sample_rate).cumsum(1) % 1
    harmonics = (sample_rate / 2 / rate).floor()
    half = torch.sin(math.pi * cycles)
    kernel = torch.sin((2 * harmonics + 1) * math.pi * cycles) / half
    kernel = torch.where(half.abs() < 1e-6, 2 * harmonics + 1, kernel)
    return ((kernel - 1) / 2).to(f0.dtype)


def noise(like: torch.Tensor) -> torch.Tensor:
    """White noise of the shape [B, N] of `like`, the same in every row and every time."""
    chance = torch.Generator().manual_seed(0)
    return torch.randn(like.shape[1], generator=chance).to(like).expand_as(like)
