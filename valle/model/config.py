"""Model configurations: frozen, checked, saved as JSON beside the weights."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from codec.record import WrongValue, check_range

LAYOUTS = ("plain", "interleaved")
MAX_GROUP = 4  # 0.05 s: more than one phone in a step


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of a Llama-shaped Transformer (RMSNorm, RoPE, SwiGLU, no biases)."""

    n_layer: int = 6
    n_head: int = 4
    d_model: int = 256
    d_ff: int = 768
    dropout: float = 0.0
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        check_range(self, n_layer=(1, 256), n_head=(1, 256), d_model=(2, 16_384), d_ff=(1, 65_536),
                    dropout=(0.0, 1.0), rope_theta=(1.0, 1e9), norm_eps=(1e-12, 0.1))
        if self.d_model % self.n_head or (self.d_model // self.n_head) % 2:
            raise ValueError(f"d_model {self.d_model} must be an even multiple of n_head "
                             f"{self.n_head}")


SIZES: dict[str, TransformerConfig] = {
    "tiny": TransformerConfig(n_layer=2, n_head=2, d_model=32, d_ff=64),
    "starter": TransformerConfig(n_layer=6, n_head=4, d_model=256, d_ff=768),
    "base": TransformerConfig(n_layer=12, n_head=8, d_model=512, d_ff=1408),
    "paper": TransformerConfig(n_layer=12, n_head=16, d_model=1024, d_ff=2816),
}


def size(name: str, **changes: Any) -> TransformerConfig:
    """A named size, with changes; 'paper' has the paper's 12 layers, 16 heads and width 1024.

    Its SwiGLU of width 2816 holds as many parameters as the paper's plain layer of width 4096.
    """
    if name not in SIZES:
        raise WrongValue("size", name, f"choose one of {', '.join(SIZES)}")
    return dataclasses.replace(SIZES[name], **changes)


@dataclass(frozen=True)
class ARConfig:
    """The autoregressive model: which tokens it knows, how they are laid out, its shape.

    group: codes in one step (VALL-E 2, arXiv:2406.05370, section 3.2): 2 halves the steps.
    """

    phones: int
    languages: tuple[str, ...] = ("en-us",)
    codebook_size: int = 1024
    layout: str = "interleaved"
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    group: int = 1

    def __post_init__(self) -> None:
        check_range(self, phones=(2, 1 << 17), codebook_size=(2, 1 << 20), group=(1, MAX_GROUP))
        if not self.languages:
            raise ValueError("languages: there must be one")
        if self.layout not in LAYOUTS:
            raise WrongValue("layout", self.layout, f"choose one of {', '.join(LAYOUTS)}")


@dataclass(frozen=True)
class NARConfig:
    """The non-autoregressive model: it fills codebooks 2..n_codebooks.

    n_codebooks may be smaller than the codec's: the codec then decodes from fewer codebooks.
    aligned: the phone of each frame is known (interleaved layout) and added to its embedding.
    """

    phones: int
    n_codebooks: int = 8
    codebook_size: int = 1024
    aligned: bool = True
    transformer: TransformerConfig = field(default_factory=TransformerConfig)

    def __post_init__(self) -> None:
        check_range(self, phones=(2, 1 << 17), codebook_size=(2, 1 << 20),
                    n_codebooks=(2, 64))  # the AR gives the first


def to_json(config: ARConfig | NARConfig) -> dict[str, Any]:
    return dataclasses.asdict(config)
