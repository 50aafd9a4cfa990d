"""A watermark in the sound, for programs to find: Perth's, of Resemble AI.

Perth changes the magnitudes of 0 to 2 kHz by a few decibels, as a small convolutional network says;
three others, at three tempi, tell whether that was done. The mark is a yes or no and holds no
message. The weights are those of the package resemble-perth (MIT); why its code is not called is
said in docs/decisions/watermark.md.
"""
from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from codec.audio import Samples

NAME = "perth"
WEIGHTS = Path("perth_net", "pretrained", "implicit", "perth_net_250000.pth.tar")
LAYERS = 7
BINS = 128                  # that are marked, 15.6 Hz apart
WINDOW_SECONDS, HOP_SECONDS = 0.064, 0.01
WINDOW = 2048               # samples of a window at Perth's own 32 kHz
FLOOR_DB, SPAN_DB = -180.0, 195.0  # of the magnitudes that the networks see as 0 to 1
SILENT = 0.05               # of the loudest frame; what is below is left alone
FOUND = 0.5                 # above it, a score says yes
TEMPI = {"slow": 1.25, "normal": 1.0, "fast": 0.75}  # how many frames each detector makes of one


def is_installed() -> bool:
    """Are the weights on this machine?"""
    return _weights() is not None


def _weights() -> Path | None:
    """The file inside the package, which is found without being imported."""
    package = find_spec("perth")
    for folder in (package and package.submodule_search_locations) or ():
        if (Path(folder) / WEIGHTS).is_file():
            return Path(folder) / WEIGHTS
    return None


class Watermark:
    """Perth's networks, on the CPU."""

    def __init__(self) -> None:
        """Load the weights.

        Raises:
            ImportError: the package is missing, or is one without them.
        """
        file = _weights()
        if file is None:
            raise ImportError("the watermark needs resemble-perth: pip install 'valle[watermark]'")
        state = torch.load(file, map_location="cpu", weights_only=True)["model"]

        def layers(part: str) -> list[tuple[Tensor, Tensor]]:
            return [(state[f"{part}.{layer}.conv.weight"], state[f"{part}.{layer}.conv.bias"])
                    for layer in range(LAYERS)]

        self.marker = layers("encoder.layers")
        self.detectors = {tempo: layers(f"decoder.{tempo}_layers") for tempo in TEMPI}

    @torch.inference_mode()
    def marked(self, samples: Samples, sample_rate: int) -> Samples:
        """Samples [N] with the mark added; what is shorter than half a window is left as it is.

        sample_rate: in Hz, a multiple of 500.
        """
        spectrum = _spectrum(samples, sample_rate)
        if spectrum is None:
            return samples
        levels = _levels(spectrum)
        change = _through(self.marker, levels[:, :BINS])[0] * _loud(levels) * SPAN_DB
        added = torch.zeros_like(spectrum)
        added[:BINS] = spectrum[:BINS] * (10 ** (change / 20) - 1)
        window, hop = _frames(sample_rate)
        wave = torch.istft(added, window, hop, window=torch.hann_window(window),
                           length=len(samples))
        return np.asarray(samples, np.float32) + wave.numpy()

    @torch.inference_mode()
    def score(self, samples: Samples, sample_rate: int) -> float:
        """How sure it is that samples [N] are marked: about 0 for no, about 1 for yes.

        sample_rate: as for `marked`.
        """
        spectrum = _spectrum(samples, sample_rate)
        if spectrum is None or not spectrum.abs().max() > 0:
            return 0.0
        levels = _levels(spectrum)
        loud = _loud(levels)[None, None]
        found, trust = [], []
        for tempo, factor in TEMPI.items():
            size = max(1, int(levels.shape[2] * factor))
            bins = levels[:, :BINS]
            if factor != 1:
                bins = F.interpolate(bins, size=size, mode="linear", align_corners=True)
            mask = F.interpolate(loud, size=size, mode="nearest")
            means = (_through(self.detectors[tempo], bins) * mask).sum(2) / mask.sum(2)
            trust.append(means[0, 0])
            found.append(means[0, 1])
        weights = torch.stack(trust).softmax(0)
        return float((torch.stack(found) * weights).sum().clamp(0, 1))


def _frames(sample_rate: int) -> tuple[int, int]:
    """(window, hop) in samples."""
    return round(sample_rate * WINDOW_SECONDS), round(sample_rate * HOP_SECONDS)


def _spectrum(samples: Samples, sample_rate: int) -> Tensor | None:
    """Complex [bins, T]; None for less than half a window."""
    window, hop = _frames(sample_rate)
    if len(samples) <= window // 2:
        return None
    return torch.stft(torch.from_numpy(np.asarray(samples, np.float32)), window, hop,
                      window=torch.hann_window(window), return_complex=True)


def _levels(spectrum: Tensor) -> Tensor:
    """Magnitudes as the networks see them, [1, bins, T]."""
    scale = WINDOW / (2 * (len(spectrum) - 1))  # a window at this rate has fewer samples
    magnitudes = (spectrum.abs() * scale).clamp(min=10 ** (FLOOR_DB / 20))
    return ((20 * magnitudes.log10() - FLOOR_DB) / SPAN_DB)[None]


def _loud(levels: Tensor) -> Tensor:
    """1 where there is sound, else 0: [T]."""
    sums = levels[0].sum(0)
    return (sums > SILENT * sums.max()).float()


def _through(layers: list[tuple[Tensor, Tensor]], values: Tensor) -> Tensor:
    """Convolutions [1, D, T] with leaky ReLUs between them."""
    for weight, bias in layers[:-1]:
        values = F.leaky_relu(F.conv1d(values, weight, bias, padding=weight.shape[2] // 2))
    return F.conv1d(values, *layers[-1])
