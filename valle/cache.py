"""The AR as it decodes: packed weights, keys and values allocated once, few operations for a token.

It computes what `AR.forward` does (ar.py), for the new tokens alone. At one token a step the time
goes to reading weights and to starting operations: the three projections of attention are one
matrix, so are the two of the feed-forward layer, and the weights may be eight-bit integers.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F

from valle.ar import AR
from valle.transformer import rotary

PRECISIONS = ("float32", "bfloat16", "int8")
INT8_BLOCK = 32  # torch's kernel reads beyond the end of rows that are no multiple of its vectors
FEW_ROWS = 32  # a step of at most so many, by the integer kernel: its rows do not depend on M

Matrix = Callable[[torch.Tensor], torch.Tensor]  # x [M, K] to x W^T [M, N]
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


class Float32Matrix:
    """W [N, K] stored as [K, N]: twice as fast for a single row."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight.t().contiguous()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class BFloat16Matrix:
    scale = None  # only bytes need one

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight.bfloat16()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x.bfloat16(), self.weight)


class Int8Matrix:
    """Weight-only quantization: bytes with one scale for each row of W [N, K] (largest = 127).

    These are the bytes of int8 safetensors (codec/weights.py), so that nothing more is lost.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        scale = (weight.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-7)
        self.weight = (weight / scale).round().to(torch.int8)
        self.scale = scale[:, 0].float().contiguous()
        self.rounded = self.scale.bfloat16()  # as torch's kernel takes it

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) <= FEW_ROWS:
            return torch._weight_int8pack_mm(x.bfloat16(), self.weight, self.rounded)
        return F.linear(x.bfloat16(), self.weight.bfloat16() * self.rounded[:, None])


def pick_precision(name: str, device: torch.device) -> str:
    """What "auto" means: int8 on a CPU, float32 elsewhere; and what this torch can do.

    Raises:
        ValueError: no such precision.
    """
    if name not in ("auto", *PRECISIONS):
        raise ValueError(f"--precision {name}: choose auto, {', '.join(PRECISIONS)}")
    if name == "auto":
        name = "int8" if device.type == "cpu" else "float32"
    if name == "int8":
        try:
            Int8Matrix(torch.eye(32, device=device))(torch.ones(1, 32, device=device))
        except (AttributeError, RuntimeError, NotImplementedError):
            warnings.warn("this torch has no int8 kernel for this machine: the AR runs in float32",
                          stacklevel=2)
            return "float32"
    return name


def fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products of many rows are faster in bfloat16 than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return supported is not None and bool(supported())


@dataclass(frozen=True)
class PackedLayer:
    """The weights of a Block as its step needs them."""

    norm_attention: torch.Tensor
    qkv: Matrix
    out: Matrix
    norm_feed_forward: torch.Tensor
    gate_up: Matrix
    down: Matrix


class PackedAR:
    """The weights of an AR in one precision, ready to decode; training and tests use the AR."""

    def __init__(self, model: AR, precision: str = "float32") -> None:
        """precision: of the matrices, one of PRECISIONS; everything between them is float32."""
        self.config, self.ids, self.precision = model.config, model.ids, precision
        self.embedding = model.embed_tokens.weight.detach()
        self.layers = [self._pack(block) for block in model.layers]
        self.norm = model.norm.weight.detach()
        self.head = self._matrix(self.embedding)

    def _matrix(self, weight: torch.Tensor) -> Matrix:
        if self.precision == "int8" and weight.shape[1] % INT8_BLOCK == 0:
            return Int8Matrix(weight)
        return Float32Matrix(weight) if self.precision == "float32" else BFloat16Matrix(weight)

    def _pack(self, block: torch.nn.Module) -> PackedLayer:
        matrix = self._matrix
        weights = {name: tensor.detach() for name, tensor in block.named_parameters()}
        turned = [in_pairs(weights[f"self_attn.{name}_proj.weight"],
                           self.config.transformer.n_head) for name in "qk"]
        return PackedLayer(
            weights["input_layernorm.weight"],
            matrix(torch.cat([*turned, weights["self_attn.v_proj.weight"]])),
            matrix(weights["self_attn.o_proj.weight"]),
            weights["post_attention_layernorm.weight"],
            matrix(torch.cat([weights["mlp.gate_proj.weight"], weights["mlp.up_proj.weight"]])),
            matrix(weights["mlp.down_proj.weight"]))


def in_pairs(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a query or key projection [D, D] so that what turns together lies side by side.

    Rotary positions are then a product of complex numbers; scores do not change.
    """
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


class Cached:
    """Prefill once, and once for rows that begin alike; then one token per row and step.

    Keys and values are [B, n_head, capacity, d_head] for each layer. Every row ends in the same
    place, so that all write their next token together; it begins after its `pads`. On a CPU, in
    float32 or int8, a row's result does not depend on its neighbours, to the last bit in int8.
    """

    def __init__(self, model: AR | PackedAR, capacity: int) -> None:
        self.model = model if isinstance(model, PackedAR) else PackedAR(model)
        self.capacity, self.end, self.dtype = capacity, 0, torch.float32
        self.device = self.model.embedding.device
        shape = self.model.config.transformer
        self.heads, self.width = shape.n_head, shape.d_model
        places = torch.arange(capacity, device=self.device)[None]
        cos, sin = rotary(places, self.width // self.heads, shape.rope_theta)
        self.turns = torch.complex(cos, sin)[0, 0, :, : cos.shape[-1] // 2]

    def start(self, rows: Sequence[list[int]]) -> torch.Tensor:
        """The logits [B, V] that follow rows of any lengths."""
        first_alike = [rows.index(row) for row in rows]
        different = sorted(set(first_alike))
        self.end = max(map(len, rows))
        self._begin([self.end - len(rows[i]) for i in different])
        shape = (len(different), self.heads, self.capacity, self.width // self.heads)
        self.keys, self.values = ([torch.zeros(shape, device=self.device, dtype=self.dtype)
                                   for _ in self.model.layers] for _ in range(2))
        last = torch.cat([self._prefill(index, rows[i]) for index, i in enumerate(different)])
        copies = [different.index(i) for i in first_alike]
        if copies != different:
            self.keep(copies)
        return last[copies]

    def step(self, tokens: list[int]) -> torch.Tensor:
        """The logits [B, V] that follow one more token in each row."""
        place = self.end
        self.end += 1
        self._check_room()
        turn = self.turns[place - self.first][:, None, None]

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[:, :, place: self.end], values[:, :, place: self.end] = k, v
            if self.device.type == "cpu":  # row by row: nothing is read that does not count
                return torch.cat([F.scaled_dot_product_attention(
                    q[b: b + 1], keys[b: b + 1, :, pad: self.end],
                    values[b: b + 1, :, pad: self.end]) for b, pad in enumerate(self.pads)])
            return F.scaled_dot_product_attention(
                q, keys[:, :, : self.end], values[:, :, : self.end],
                attn_mask=self.seen[:, None, None, : self.end])

        return self._logits(torch.tensor(tokens, device=self.device)[:, None], turn, attend)

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows alone."""
        self._begin([self.pads[row] for row in rows])
        self.keys, self.values = ([tensor[rows] for tensor in tensors]
                                  for tensors in (self.keys, self.values))

    def _begin(self, pads: list[int]) -> None:
        self._check_room()
        self.pads, self.first = pads, torch.tensor(pads, device=self.device)
        self.seen = torch.arange(self.capacity, device=self.device) >= self.first[:, None]

    def _check_room(self) -> None:
        if self.end > self.capacity:
            raise ValueError(f"{self.end} tokens do not fit a cache of {self.capacity}")

    def _prefill(self, row: int, tokens: list[int]) -> torch.Tensor:
        """Fill the cache of a row; the logits [1, V] that follow it."""
        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            self.keys[layer][row, :, self.pads[row]: self.end] = k[0]
            self.values[layer][row, :, self.pads[row]: self.end] = v[0]
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

        turn = self.turns[None, : len(tokens), None]
        return self._logits(torch.tensor([tokens], device=self.device), turn, attend)

    def _logits(self, tokens: torch.Tensor, turn: torch.Tensor, attend: Attend) -> torch.Tensor:
        """New tokens [B, L], turned by their positions, to the logits [B, V] after the last."""
        batch, length = tokens.shape
        norm = partial(F.rms_norm, normalized_shape=(self.width,),
                       eps=self.model.config.transformer.norm_eps)
        x = self.model.embedding[tokens.flatten()]
        for index, layer in enumerate(self.model.layers):
            qkv = layer.qkv(norm(x, weight=layer.norm_attention)).float()
            qk, v = qkv.split([2 * self.width, self.width], dim=1)
            pairs = torch.view_as_complex(qk.view(batch, length, 2 * self.heads, -1, 2))
            q, k = torch.view_as_real(pairs * turn).flatten(3).transpose(1, 2).chunk(2, dim=1)
            v = v.view(batch, length, self.heads, -1).transpose(1, 2)
            y = attend(index, q, k, v)
            x = x + layer.out(y.transpose(1, 2).reshape(len(x), self.width))
            gate, up = layer.gate_up(norm(x, weight=layer.norm_feed_forward)).chunk(2, dim=1)
            x = x + layer.down(F.silu(gate) * up)
        last = x.view(batch, length, self.width)[:, -1]
        return self.model.head(norm(last, weight=self.model.norm)).float()
