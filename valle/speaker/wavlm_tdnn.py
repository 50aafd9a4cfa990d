"""WavLM Large with a TDNN, the judge of VALL-E's SIM: Microsoft's wavlm_large_finetune.pth."""
from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from codec.audio import Samples
from valle.features.optional import transformers_package
from valle.speaker.adapters import USER, Embedding, audible, unit
from valle.speaker.ecapa import BOTTLENECK, DILATIONS, deviation, layer, se_res2_block

WHERE = "https://github.com/microsoft/UniSpeech/tree/main/downstreams/speaker_verification"
CHANNELS, AGGREGATED, EMBEDDING = 512, 1536, 256
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
         "intermediate_size": 4096, "feat_extract_norm": "layer", "do_stable_layer_norm": True}

# Names of the file to ours, tried one after another on every name.
TDNN_NAMES = (
    (r"^layer1\.conv\.", "first.0."), (r"^layer1\.bn\.", "first.2."),
    (r"^layer2\.", "blocks.0."), (r"^layer3\.", "blocks.1."), (r"^layer4\.", "blocks.2."),
    (r"Conv1dReluBn1\.conv\.", "0.0."), (r"Conv1dReluBn1\.bn\.", "0.2."),
    (r"Res2Conv1dReluBn\.convs\.(\d)\.", r"1.parts.\1.0."),
    (r"Res2Conv1dReluBn\.bns\.(\d)\.", r"1.parts.\1.2."),
    (r"Conv1dReluBn2\.conv\.", "2.0."), (r"Conv1dReluBn2\.bn\.", "2.2."),
    (r"SE_Connect\.linear1\.", "3.gate.0."), (r"SE_Connect\.linear2\.", "3.gate.2."),
    (r"^conv\.", "aggregate.0."), (r"^pooling\.linear1\.", "attention.0."),
    (r"^pooling\.linear2\.", "attention.2."), (r"^bn\.", "norm."), (r"^linear\.", "affine."),
)
WAVLM_NAMES = (
    (r"^layer_norm\.", "feature_projection.layer_norm."),
    (r"^post_extract_proj\.", "feature_projection.projection."),
    (r"^mask_emb$", "masked_spec_embed"),
    (r"(conv_layers\.\d+)\.0\.", r"\1.conv."), (r"(conv_layers\.\d+)\.2\.1\.", r"\1.layer_norm."),
    (r"pos_conv\.0\.", "pos_conv_embed.conv."),
    (r"self_attn\.grep_linear\.", "attention.gru_rel_pos_linear."),
    (r"self_attn\.grep_a$", "attention.gru_rel_pos_const"),
    (r"self_attn\.relative_attention_bias\.", "attention.rel_attn_embed."),
    (r"self_attn\.", "attention."), (r"self_attn_layer_norm\.", "layer_norm."),
    (r"\.fc1\.", ".feed_forward.intermediate_dense."),
    (r"\.fc2\.", ".feed_forward.output_dense."),
)


class TDNN(nn.Module):
    """The ECAPA-TDNN that Microsoft put on WavLM: no summed inputs, no global context.

    width: of the hidden states; states: how many there are.
    """

    def __init__(self, width: int, states: int) -> None:
        super().__init__()
        self.feature_weight = nn.Parameter(torch.zeros(states))
        self.first = layer(width, CHANNELS, 5)
        self.blocks = nn.ModuleList([se_res2_block(CHANNELS, d) for d in DILATIONS])
        self.aggregate = nn.Sequential(nn.Conv1d(3 * CHANNELS, AGGREGATED, 1), nn.ReLU())
        self.attention = nn.Sequential(nn.Conv1d(AGGREGATED, BOTTLENECK, 1), nn.Tanh(),
                                       nn.Conv1d(BOTTLENECK, AGGREGATED, 1))
        self.norm = nn.BatchNorm1d(2 * AGGREGATED)
        self.affine = nn.Linear(2 * AGGREGATED, EMBEDDING)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Hidden states [K, B, T, D] to embeddings [B, 256]."""
        weights = self.feature_weight.softmax(dim=0)
        mixed = torch.einsum("k,kbtd->bdt", weights, states)
        x = self.first(nn.functional.instance_norm(mixed))
        outputs = []
        for block in self.blocks:
            x = block(x) + x
            outputs.append(x)
        x = self.aggregate(torch.cat(outputs, dim=1))
        attention = self.attention(x).softmax(dim=2)
        return self.affine(self.norm(torch.cat([(attention * x).sum(dim=2),
                                                deviation(x, attention, 1e-9)], dim=1)))


class WavLMTDNN:
    """Hidden states of WavLM, weighted, through the TDNN; D = 256."""

    name = "wavlm-tdnn"

    def __init__(self, path: str | Path | None = None,
                 shape: Mapping[str, Any] | None = None) -> None:
        """Load a checkpoint of Microsoft's layout.

        Args:
            path: wavlm_large_finetune.pth; no program may fetch it.
            shape: of another WavLM than Large, as fields of transformers' WavLMConfig.

        Raises:
            FileNotFoundError, ValueError: no file given, no such file, or one of another layout.
            ImportError: no transformers.
        """
        if path is None or not Path(path).is_file():
            given = f"no file at {path}" if path else "no file given"
            raise FileNotFoundError(f"{given}: download wavlm_large_finetune.pth from {WHERE} and "
                                    "give --model wavlm-tdnn:FILE")
        transformers = transformers_package(USER.format(self.name))
        try:
            tensors = torch.load(path, map_location="cpu", weights_only=True)["model"]
            config = transformers.WavLMConfig(**(shape or LARGE))
            self._wavlm = transformers.WavLMModel(config).eval()
            self._tdnn = TDNN(config.hidden_size, config.num_hidden_layers + 1).eval()
            inner = "feature_extract.model."
            self._wavlm.load_state_dict({rename(k[len(inner):], WAVLM_NAMES): v
                                         for k, v in tensors.items() if k.startswith(inner)})
            self._tdnn.load_state_dict({
                rename(k, TDNN_NAMES): v for k, v in tensors.items()
                if not k.startswith(("feature_extract.", "loss_calculator."))})
        except (KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ValueError(f"{path} is not wavlm_large_finetune.pth ({reason}): download it "
                             f"again from {WHERE}") from error

    @torch.inference_mode()
    def __call__(self, samples: Samples, sample_rate: int) -> Embedding:
        """Unit vector [256] of samples [N] at any rate; zeros for silence."""
        wav = audible(samples, sample_rate)
        if wav is None:
            return np.zeros(EMBEDDING, np.float32)
        normal = (wav - wav.mean()) / np.sqrt(wav.var() + 1e-5)  # as WavLM Large was trained
        heard = self._wavlm(torch.from_numpy(normal)[None], output_hidden_states=True)
        # Some versions of transformers list the last state before its normalisation.
        states = torch.stack([*heard.hidden_states[:-1], heard.last_hidden_state])
        return unit(self._tdnn(states)[0].numpy())


def rename(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    """The name after all rules (pattern, replacement)."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name
