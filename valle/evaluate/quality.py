"""How good does it sound, from 1 to 5: two networks that were trained on people's opinions.

OVRL of DNSMOS P.835 (Reddy et al. 2022) hears noise above all. The network is the one inside the
package `speechmos`; it is run directly, on one thread and without the package's second network,
which this figure does not need; a test holds both equal. DistillMOS (Stahl and Gamper 2025) is the
sharper judge of what a codec or a voice does to speech.
"""
from __future__ import annotations

import contextlib
import importlib
import io
import sys
import types
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE
from valle.features.optional import MISSING

WINDOW = int(9.01 * SAMPLE_RATE)                      # samples that the network takes
OVERALL = (-0.06766283, 1.11546468, 0.04602535)       # raw score to OVRL, by its authors


class Quality:
    """DNSMOS, loaded once."""

    def __init__(self) -> None:
        """Raises ImportError where onnxruntime or speechmos is missing."""
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f"{MISSING} ({error})") from error
        package = find_spec("speechmos")
        if package is None or not package.submodule_search_locations:
            raise ImportError(f"{MISSING} (no module named 'speechmos')")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        network = Path(package.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx"
        self._session = onnxruntime.InferenceSession(str(network), options,
                                                     providers=["CPUExecutionProvider"])

    def __call__(self, samples: Samples, sample_rate: int) -> float:
        """OVRL of samples [N] at any rate; short clips are repeated until they fill a window.

        Raises:
            ValueError: no samples.
        """
        wav = np.clip(resample(samples, sample_rate, SAMPLE_RATE), -1, 1)
        if not wav.size:
            raise ValueError("no samples to judge")
        scores = [self._session.run(None, {"input_1": part[None]})[0][0][2]
                  for part in windows(wav)]
        return float(np.mean(np.polyval(OVERALL, np.array(scores, np.float64))))


def windows(wav: Samples) -> list[NDArray[np.float32]]:
    """Pieces of 9.01 s, a second apart, of samples [N] doubled until they fill one."""
    while len(wav) < WINDOW:
        wav = np.concatenate([wav, wav])
    starts = range(0, max(1, int(len(wav) // SAMPLE_RATE - 9.01) + 1) * SAMPLE_RATE, SAMPLE_RATE)
    pieces = [wav[start: start + WINDOW] for start in starts]
    return [piece for piece in pieces if len(piece) == WINDOW]


def distillmos() -> Callable[[Samples, int], float]:
    """DistillMOS, loaded: a function of samples [N] at any rate to the opinion of them.

    Its weights are inside its package. Short clips are padded with silence to 7.7 s.

    Raises:
        ImportError: distillmos or xls-r-sqa is missing.
    """
    try:
        with without_torchaudio(), contextlib.redirect_stdout(io.StringIO()):
            network = importlib.import_module("distillmos").ConvTransformerSQAModel().eval()
    except ImportError as error:
        raise ImportError("DistillMOS needs two packages: pip install --no-deps distillmos "
                          f"xls-r-sqa ({error})") from error

    @torch.inference_mode()
    def rate(samples: Samples, sample_rate: int) -> float:
        wav = resample(samples, sample_rate, SAMPLE_RATE)
        if not wav.size:
            raise ValueError("no samples to judge")
        return float(network(torch.from_numpy(wav)[None]))

    return rate


@contextlib.contextmanager
def without_torchaudio() -> Iterator[None]:
    """Something empty in the place of torchaudio, which distillmos imports and does not use.

    Beside a CPU build of torch the real one cannot be imported.
    """
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules)
              if name.split(".")[0] == "torchaudio"}
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
        sys.modules.update(hidden)
