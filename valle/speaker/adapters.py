"""Published speaker encoders, each loaded when it is asked for. All but Resemblyzer's download."""
from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codec.audio import Samples, resample
from valle.features.fbank import SAMPLE_RATE, WINDOW, fbank
from valle.features.optional import MISSING, downloaded, package, transformers_package

Embedding = NDArray[np.float32]
USER = "the speaker encoder {}"


def unit(embedding: NDArray[Any]) -> Embedding:
    """Embedding of any shape with D values, as float32 [D] of length one."""
    flat = np.asarray(embedding, np.float32).reshape(-1)
    return flat / max(1e-9, float(np.linalg.norm(flat)))


def audible(samples: Samples, sample_rate: int) -> Samples | None:
    """Samples at 16 kHz; None where there is less than a frame, or silence."""
    wav = resample(samples, sample_rate, SAMPLE_RATE)
    return wav if len(wav) >= WINDOW and np.abs(wav).max() > 1e-4 else None


class Resemblyzer:
    """Resemblyzer, a GE2E encoder (Wan et al. 2018) of thousands of speakers, on the CPU; D = 256.

    Read its cosines with their baselines: same speaker about .83 to .95, others .56 to .89.
    """

    size = 256

    def __init__(self) -> None:
        """Load the weights that come inside the package.

        Raises:
            ImportError: no resemblyzer, or one of the packages it needs.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pkg_resources and scipy: not a user's business
            try:
                from resemblyzer import VoiceEncoder, preprocess_wav
            except ImportError as error:
                raise ImportError(f"{MISSING} ({error})") from error
            self._encoder = VoiceEncoder("cpu", verbose=False)
        self._preprocess = preprocess_wav

    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [256] of samples [N] at any rate; zeros where there is no speech."""
        wav = np.clip(resample(samples, sample_rate, SAMPLE_RATE), -1, 1)
        if not wav.size or not np.abs(wav).max() > 1e-4:
            return np.zeros(self.size, np.float32)
        spoken = np.asarray(self._preprocess(wav), np.float32)
        if spoken.size < SAMPLE_RATE // 10:
            return np.zeros(self.size, np.float32)
        return np.asarray(self._encoder.embed_utterance(spoken), np.float32)


class WavLMXVector:
    """WavLM Base+ with an x-vector head, trained on VoxCeleb 1 (Chen et al. 2022); D = 512."""

    name, source, size = "wavlm-xvector", "microsoft/wavlm-base-plus-sv", 512

    def __init__(self) -> None:
        transformers = transformers_package(USER.format(self.name))
        self._prepare = downloaded(USER.format(self.name), self.source, lambda: (
            transformers.AutoFeatureExtractor.from_pretrained(self.source)))
        self._model = downloaded(USER.format(self.name), self.source, lambda: (
            transformers.WavLMForXVector.from_pretrained(self.source))).eval()

    @torch.inference_mode()
    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [512] of samples [N] at any rate; zeros for silence."""
        wav = audible(samples, sample_rate)
        if wav is None:
            return np.zeros(self.size, np.float32)
        given = self._prepare(wav, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        return unit(self._model(**given).embeddings[0].numpy())


class SpeechBrainECAPA:
    """SpeechBrain's ECAPA-TDNN with 1024 channels, trained on VoxCeleb 1 and 2; D = 192."""

    name, source, size = "speechbrain", "speechbrain/spkrec-ecapa-voxceleb", 192

    def __init__(self) -> None:
        speaker = package("speechbrain.inference.speaker", USER.format(self.name), "speechbrain")
        self._model = downloaded(USER.format(self.name), self.source, lambda: (
            speaker.EncoderClassifier.from_hparams(self.source)))

    @torch.inference_mode()
    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [192] of samples [N] at any rate; zeros for silence."""
        wav = audible(samples, sample_rate)
        if wav is None:
            return np.zeros(self.size, np.float32)
        return unit(self._model.encode_batch(torch.from_numpy(wav)[None])[0, 0].numpy())


class WeSpeaker:
    """An ONNX export of WeSpeaker (Wang et al. 2023); its ResNet34-LM of VoxCeleb by default.

    Such files read filterbanks [1, T, 80] under a Hamming window, less their mean over time.
    """

    name, source, file = ("wespeaker", "Wespeaker/wespeaker-voxceleb-resnet34-LM",
                          "voxceleb_resnet34_LM.onnx")

    def __init__(self, path: str | Path | None = None) -> None:
        """Load an ONNX file, or fetch the default.

        Raises:
            FileNotFoundError, ValueError: no such file, or not an ONNX model.
        """
        runtime = package("onnxruntime", USER.format(self.name), "onnxruntime")
        if path is None:
            hub = package("huggingface_hub", USER.format(self.name), "huggingface_hub")
            path = Path(downloaded(USER.format(self.name), self.source, lambda: (
                hub.hf_hub_download(self.source, self.file))))
        if not Path(path).is_file():
            raise FileNotFoundError(f"no ONNX file at {path}: check --model wespeaker:FILE")
        try:
            self._session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ValueError(f"{path} is not an ONNX model: export or download it again") from error
        self._input = self._session.get_inputs()[0].name
        self.size = int(self._session.get_outputs()[0].shape[-1])

    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [D] of samples [N] at any rate; zeros for silence."""
        wav = audible(samples, sample_rate)
        if wav is None:
            return np.zeros(self.size, np.float32)
        bands = fbank(torch.from_numpy(wav)[None], window="hamming")
        bands = bands - bands.mean(dim=1, keepdim=True)
        return unit(self._session.run(None, {self._input: bands.numpy()})[0])
