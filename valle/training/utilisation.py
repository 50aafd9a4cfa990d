"""How much of what a device can do a run makes use of: model FLOP/s utilisation (MFU).

Chowdhery et al. 2022 (PaLM, arXiv:2204.02311), appendix B; the operations of matrix products and
attention are counted by torch in the first step, and stand for the others by its units.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode

from valle.training import parallel
from valle.training.log import Metrics
from valle.training.state import Progress

# TFLOP/s in bfloat16 without sparsity, as the makers state them; longer names first.
PEAKS = {"H200": 989.0, "H100 PCIe": 756.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0,
         "RTX 4090": 165.2, "RTX 3090": 71.0}


def peak_tflops(name: str) -> float:
    """TFLOP/s of a GPU in bfloat16 by its name; 0 where that is not known."""
    return next((peak for part, peak in PEAKS.items() if part in name), 0.0)


class Utilisation:
    """MFU of a run; nothing where the peak of its devices is not known."""

    def __init__(self, tflops: float, device: torch.device) -> None:
        """tflops: peak of one device; 0 takes what is known of it."""
        if not tflops and device.type == "cuda":
            tflops = peak_tflops(torch.cuda.get_device_name(device))
        self._device, self._peak = device, 1e12 * tflops * parallel.count()
        self._flops_per_unit = 0.0

    @contextmanager
    def counting(self, progress: Progress) -> Iterator[None]:
        """Around a step: the operations of the first one are counted."""
        if not self._peak or self._flops_per_unit:
            yield
            return
        before = progress.units
        with FlopCounterMode(display=False) as counter:
            yield
        flops = parallel.total([counter.get_total_flops()], self._device)[0]
        self._flops_per_unit = flops / max(1, progress.units - before)

    def metrics(self, units_per_second: float) -> Metrics:
        """{"speed/mfu": share of the peak}, or nothing."""
        if not self._peak:
            return {}
        return {"speed/mfu": self._flops_per_unit * units_per_second / self._peak}
