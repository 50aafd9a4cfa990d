"""The only file that imports `encodec`.

encodec 0.1.1 imports torchaudio, whose wheels on PyPI need CUDA libraries: beside a CPU build of
torch the import raises OSError, beside a newer CUDA build RuntimeError. Neither the model nor the
quantizer calls it, so a placeholder takes its place while encodec is imported. The discriminator
uses one class of it, `torchaudio.transforms.Spectrogram`; the placeholder offers the same over
`torch.stft`.
"""
from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

import torch
from torch import nn


class Spectrogram(nn.Module):
    """Complex short-time spectrum with torchaudio's argument names, for encodec's discriminator."""

    def __init__(self, n_fft: int, hop_length: int, win_length: int, normalized: bool = False,
                 **options: Any) -> None:
        super().__init__()
        self.window: torch.Tensor
        self.n_fft, self.hop_length, self.win_length = n_fft, hop_length, win_length
        self.normalized = normalized
        self.center = options.get("center", True)
        self.register_buffer("window", options["window_fn"](win_length), persistent=False)

    def forward(self, wav: torch.Tensor) -> torch.Tensor:
        """[..., N] real to [..., n_fft // 2 + 1, T] complex."""
        flat = wav.reshape(-1, wav.shape[-1])
        spectrum = torch.stft(flat, self.n_fft, self.hop_length, self.win_length, self.window,
                              center=self.center, return_complex=True)
        if self.normalized:
            spectrum = spectrum / self.window.square().sum().sqrt()
        return spectrum.reshape(*wav.shape[:-1], *spectrum.shape[-2:])


def _placeholder(cause: str) -> dict[str, types.ModuleType]:
    """Modules that stand for torchaudio: any use other than Spectrogram raises with the cause."""

    def missing(name: str) -> Any:
        raise ImportError(f"torchaudio.{name} is not usable here ({cause})")

    modules = {name: types.ModuleType(name) for name in ("torchaudio", "torchaudio.transforms")}
    transforms = modules["torchaudio.transforms"]
    transforms.Spectrogram = Spectrogram  # type: ignore[attr-defined]
    modules["torchaudio"].transforms = transforms  # type: ignore[attr-defined]
    for name, module in modules.items():
        module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
        module.__path__ = []  # type: ignore[attr-defined]
    modules["torchaudio"].__getattr__ = missing  # type: ignore[method-assign]
    return modules


def _purge_torchaudio() -> None:
    for name in [n for n in sys.modules if n == "torchaudio" or n.startswith("torchaudio.")]:
        del sys.modules[name]


def _torchaudio_error() -> str | None:
    """None when torchaudio can be imported, else the first cause in one line."""
    try:
        importlib.import_module("torchaudio")
    except Exception as error:  # noqa: BLE001 - OSError, RuntimeError, ImportError: by the mismatch
        _purge_torchaudio()
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


TORCHAUDIO_ERROR = _torchaudio_error()
if TORCHAUDIO_ERROR is None:
    from encodec import EncodecModel
    from encodec.msstftd import MultiScaleSTFTDiscriminator
    from encodec.quantization import ResidualVectorQuantizer
else:
    sys.modules.update(_placeholder(TORCHAUDIO_ERROR))
    try:
        from encodec import EncodecModel
        from encodec.msstftd import MultiScaleSTFTDiscriminator
        from encodec.quantization import ResidualVectorQuantizer
    finally:
        _purge_torchaudio()

__all__ = [
    "TORCHAUDIO_ERROR",
    "EncodecModel",
    "MultiScaleSTFTDiscriminator",
    "ResidualVectorQuantizer",
]
