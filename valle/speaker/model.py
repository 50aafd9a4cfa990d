"""One of our speaker encoders with its features, and its folder on disk."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from codec.parts import load_part, network, save_part
from codec.record import check_range, from_record
from valle.features.fbank import fbank
from valle.speaker.deep_speaker import DeepSpeakerGRU, DeepSpeakerResCNN
from valle.speaker.ecapa import EcapaTDNN

NETWORKS: dict[str, type[EcapaTDNN] | type[DeepSpeakerResCNN] | type[DeepSpeakerGRU]] = {
    "ecapa": EcapaTDNN, "deep-speaker-rescnn": DeepSpeakerResCNN,
    "deep-speaker-gru": DeepSpeakerGRU}
PAPER_CHANNELS = {"ecapa": 512, "deep-speaker-rescnn": 64, "deep-speaker-gru": 1024}
NAME = "speaker"
COUNTER = "num_batches_tracked"  # of batch normalisation: nothing reads it


@dataclass(frozen=True)
class SpeakerConfig:
    """Shape of an encoder.

    Attributes:
        model: a key of NETWORKS.
        channels: width of ecapa, first width of rescnn, units of gru; 0 takes the paper's.
    """

    model: str = "ecapa"
    channels: int = 0

    def __post_init__(self) -> None:
        if self.model not in NETWORKS:
            raise ValueError(f"--model {self.model}: choose {', '.join(NETWORKS)}")
        check_range(self, channels=(0, 16_384))
        if not self.channels:
            object.__setattr__(self, "channels", PAPER_CHANNELS[self.model])


class SpeakerModel(nn.Module):
    """Audio to an embedding of who is speaking.

    Attributes:
        config: shape of the network.
        size: D of its embeddings, 192 (ecapa) or 512.
    """

    def __init__(self, config: SpeakerConfig) -> None:
        super().__init__()
        network = NETWORKS[config.model](config.channels)
        self.config, self.network = config, network
        self.n_mels: int = network.n_mels
        self.size: int = network.embedding

    def features(self, wav: torch.Tensor) -> torch.Tensor:
        """Normalised filterbanks [B, T, F] of audio [B, N] at 16 kHz, N at least 400.

        Each band of a clip has mean zero; for Deep Speaker also variance one.
        """
        bands = fbank(wav, self.n_mels)
        bands = bands - bands.mean(dim=1, keepdim=True)
        if self.config.model == "ecapa":
            return bands
        return bands / bands.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-3)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, F] to embeddings [B, D], not yet of unit length."""
        return self.network(features).float()  # type: ignore[no-any-return]

    def embed(self, wav: torch.Tensor) -> torch.Tensor:
        """Audio [B, N] at 16 kHz to embeddings [B, D] of unit length."""
        return F.normalize(self(self.features(wav)))

    def save(self, folder: str | Path, precision: str = "float16") -> None:
        """Write the part of model.json and speaker.safetensors (float32, float16 or int8)."""
        tensors = {k: v for k, v in self.state_dict().items() if not k.endswith(COUNTER)}
        save_part(folder, NAME, {"config": dataclasses.asdict(self.config)}, tensors, precision)

    @classmethod
    def load(cls, folder: str | Path) -> SpeakerModel:
        """Read what `save` wrote, ready for use.

        Raises:
            FileNotFoundError: not a folder of a speaker encoder.
            ValueError: damaged, or made by something else.
        """
        def build(record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> SpeakerModel:
            config = from_record(SpeakerConfig, record["config"])
            return network(lambda: cls(config), tensors, (COUNTER,))

        return load_part(folder, NAME, build,
                         "train an encoder with `valle train speaker`")
