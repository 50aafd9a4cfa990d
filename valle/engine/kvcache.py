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

from codec.record import WrongValue
from valle.model.ar import AR
from valle.model.transformer import rotary

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
        raise WrongValue("precision", name, f"choose auto, {', '.join(PRECISIONS)}")
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
    """Prefill a row, or once for rows that begin alike; then one token per row and step.

    Keys and values are [B, n_head, capacity, d_head] for each layer, allocated once for as many
    rows as are ever side by side. Each row begins at its first place and has its own end, so that
    rows can leave and others join at any time (continuous batching; Yu et al. 2022, Orca). On a
    CPU, in float32 or int8, a row's result does not depend on its neighbours, to the last bit in
    int8.
    """

    def __init__(self, model: AR | PackedAR, capacity: int, width: int) -> None:
        """capacity: tokens of the longest row. width: rows side by side, at most."""
        self.model = model if isinstance(model, PackedAR) else PackedAR(model)
        self.capacity, self.width, self.ends = capacity, width, list[int]()
        self.device = self.model.embedding.device
        shape = self.model.config.transformer
        self.heads, self.d_model = shape.n_head, shape.d_model
        room = (width, self.heads, capacity, self.d_model // self.heads)
        # What is masked is multiplied by 0, and must be a number; a CPU does not touch it at all.
        room_for = torch.empty if self.device.type == "cpu" else torch.zeros
        self.keys, self.values = ([room_for(room, device=self.device, dtype=self.cache_dtype)
                                   for _ in self.model.layers] for _ in range(2))
        self.places = torch.arange(capacity, device=self.device)
        cos, sin = rotary(self.places[None], self.d_model // self.heads, shape.rope_theta)
        self.turns = torch.complex(cos, sin)[0, 0, :, : cos.shape[-1] // 2]

    @property
    def cache_dtype(self) -> torch.dtype:
        return torch.float32

    def prefill(self, rows: Sequence[list[int]]) -> torch.Tensor:
        """Take in rows of any lengths, after those that are there; the logits [B, V] after each.

        Raises:
            ValueError: there is no room for so many, or for one so long.
        """
        logits: list[torch.Tensor] = []
        first = len(self.ends)
        for index, row in enumerate(rows):
            alike = rows.index(row)
            self.ends.append(len(row))
            self._check_room()
            if alike < index:
                self._copy(first + alike, first + index)
            logits.append(self._prefill(first + index, row) if alike == index else logits[alike])
        return torch.cat(logits)

    def step(self, tokens: list[int]) -> torch.Tensor:
        """The logits [B, V] that follow one more token in each row."""
        places = torch.tensor(self.ends, device=self.device)
        self.ends = [end + 1 for end in self.ends]
        self._check_room()
        rows, longest = torch.arange(len(tokens), device=self.device), max(self.ends)

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[rows, :, places], values[rows, :, places] = k[:, :, 0], v[:, :, 0]
            if self.device.type == "cpu":  # row by row: nothing is read that does not count
                return torch.cat([F.scaled_dot_product_attention(
                    q[b: b + 1], keys[b: b + 1, :, :end], values[b: b + 1, :, :end])
                    for b, end in enumerate(self.ends)])
            return F.scaled_dot_product_attention(
                q, keys[: len(tokens), :, :longest], values[: len(tokens), :, :longest],
                attn_mask=(self.places[:longest] <= places[:, None])[:, None, None])

        return self._logits(torch.tensor(tokens, device=self.device)[:, None],
                            self.turns[places][:, None, None], attend)

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows alone, in this order; only rows that move are copied.

        Raises:
            ValueError: a row would move to a place behind its own.
        """
        if any(row < place for place, row in enumerate(rows)):
            raise ValueError(f"rows {rows}: a row can only move towards the front")
        for place, row in enumerate(rows):
            self._copy(row, place)
        self.ends = [self.ends[row] for row in rows]

    def _copy(self, row: int, place: int) -> None:
        if row != place:
            end = self.ends[row]
            for tensor in (*self.keys, *self.values):
                tensor[place, :, :end] = tensor[row, :, :end]

    def _check_room(self) -> None:
        if len(self.ends) > self.width:
            raise ValueError(f"{len(self.ends)} rows do not fit a cache of {self.width}")
        if max(self.ends) > self.capacity:
            raise ValueError(f"{max(self.ends)} tokens do not fit a cache of {self.capacity}")

    def _prefill(self, row: int, tokens: list[int]) -> torch.Tensor:
        """Fill the cache of a row; the logits [1, V] that follow it."""
        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            self.keys[layer][row, :, : len(tokens)] = k[0]
            self.values[layer][row, :, : len(tokens)] = v[0]
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)

        turn = self.turns[None, : len(tokens), None]
        return self._logits(torch.tensor([tokens], device=self.device), turn, attend)

    def _logits(self, tokens: torch.Tensor, turn: torch.Tensor, attend: Attend) -> torch.Tensor:
        """New tokens [B, L], turned by their positions, to the logits [B, V] after the last."""
        batch, length = tokens.shape
        norm = partial(F.rms_norm, normalized_shape=(self.d_model,),
                       eps=self.model.config.transformer.norm_eps)
        x = self.model.ids.embed(tokens.flatten(), self.model.embedding)
        for index, layer in enumerate(self.model.layers):
            qkv = layer.qkv(norm(x, weight=layer.norm_attention)).float()
            qk, v = qkv.split([2 * self.d_model, self.d_model], dim=1)
            turned = self._turned(qk.view(batch, length, 2 * self.heads, -1, 2), turn)
            q, k = turned.flatten(3).transpose(1, 2).chunk(2, dim=1)
            v = v.view(batch, length, self.heads, -1).transpose(1, 2)
            y = attend(index, q, k, v)
            x = x + layer.out(y.transpose(1, 2).reshape(len(x), self.d_model))
            gate, up = layer.gate_up(norm(x, weight=layer.norm_feed_forward)).chunk(2, dim=1)
            x = x + layer.down(F.silu(gate) * up)
        last = x.view(batch, length, self.d_model)[:, -1]
        return self.model.head(norm(last, weight=self.model.norm)).float()

    def _turned(self, pairs: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        """Pairs [..., 2] turned by complex numbers of length 1."""
        return torch.view_as_real(torch.view_as_complex(pairs) * turn)
