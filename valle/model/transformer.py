"""A Llama-shaped Transformer: RMSNorm, rotary positions, SwiGLU, no biases.

Used causally by the AR and, in both directions with adaptive norms, by the NAR.
"""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from valle.model.config import TransformerConfig


class RMSNorm(nn.Module):
    """Root-mean-square norm (Zhang and Sennrich 2019) over the last dimension."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


class AdaptiveRMSNorm(nn.Module):
    """RMSNorm with a gain and a shift for each level (VALL-E's AdaLN, section 4.2.2).

    The condition is one of few levels, so its projection is a table: one row for each level.
    """

    def __init__(self, width: int, eps: float, levels: int) -> None:
        super().__init__()
        self.levels = nn.Embedding(levels, 2 * width)
        self.eps = eps

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """x [B, L, D] at levels [B]."""
        gain, shift = self.levels(level)[:, None].chunk(2, dim=-1)
        return F.rms_norm(x, x.shape[-1:], eps=self.eps) * (1 + gain) + shift


def rotary(positions: torch.Tensor, d_head: int, theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [B, 1, L, d_head] of rotary positions [B, L] (RoFormer; Llama's halves)."""
    steps = torch.arange(0, d_head, 2, device=positions.device, dtype=torch.float32)
    angles = positions[:, None, :, None].float() * theta ** (-steps / d_head)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn queries or keys [B, H, L, d_head] by their positions."""
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat([-second, first], dim=-1) * sin).to(x.dtype)


class Attention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        d = config.d_model
        self.n_head = config.n_head
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(d, d, bias=False) for _ in range(4))

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *,
                mask: torch.Tensor | None, causal: bool) -> torch.Tensor:
        """[B, L, D] to [B, L, D]."""
        q, k, v = (rearrange(p(x), "b l (h d) -> b h l d", h=self.n_head)
                   for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        return self.o_proj(rearrange(y, "b h l d -> b l (h d)"))


class SwiGLU(nn.Module):
    """Gated feed-forward layer (Shazeer 2020)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.up_proj = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.down_proj = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Pre-norm attention and feed-forward; with `levels`, both norms depend on a level [B]."""

    def __init__(self, config: TransformerConfig, levels: int = 0) -> None:
        super().__init__()

        def norm() -> nn.Module:
            return (AdaptiveRMSNorm(config.d_model, config.norm_eps, levels) if levels
                    else RMSNorm(config.d_model, config.norm_eps))

        self.input_layernorm = norm()
        self.self_attn = Attention(config)
        self.post_attention_layernorm = norm()
        self.mlp = SwiGLU(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor,
                level: torch.Tensor | None = None, *, mask: torch.Tensor | None = None,
                causal: bool = False) -> torch.Tensor:
        given = () if level is None else (level,)
        y = self.self_attn(self.input_layernorm(x, *given), cos, sin, mask=mask, causal=causal)
        x = x + self.dropout(y)
        return x + self.dropout(self.mlp(self.post_attention_layernorm(x, *given)))


def init_weights(model: nn.Module, config: TransformerConfig) -> None:
    """Normal(0, 0.02); the projections that end a residual branch are scaled by depth (GPT-2)."""
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        ends_branch = name.endswith(("o_proj.weight", "down_proj.weight"))
        shrink = math.sqrt(2 * config.n_layer) if ends_branch else 1.0
        nn.init.normal_(parameter, std=0.02 / shrink)
    for module in model.modules():
        if isinstance(module, AdaptiveRMSNorm):
            nn.init.zeros_(module.levels.weight)
