"""The AR's step on a CPU, compiled: one call of native.c for a token, where torch needs 170.

compile.py has it compiled once for this machine; without a compiler everything runs in torch,
slower.
"""
from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_float, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from valle.engine.compile import compiled
from valle.engine.kvcache import BFloat16Matrix, Cached, Int8Matrix, Matrix, PackedAR
from valle.engine.threads import Threads
from valle.model.ar import AR

SOURCE = Path(__file__).with_name("native.c")
FLOAT32, BFLOAT16, INT8 = range(3)  # as in native.c


class CMatrix(Structure):
    _fields_ = [("weight", c_void_p), ("scale", c_void_p), ("kind", c_int64), ("rows", c_int64),
                ("columns", c_int64)]


class CLayer(Structure):
    _fields_ = [("norm_attention", c_void_p), ("norm_feed_forward", c_void_p), ("qkv", CMatrix),
                ("out", CMatrix), ("gate_up", CMatrix), ("down", CMatrix), ("keys", c_void_p),
                ("values", c_void_p)]


class CModel(Structure):
    _fields_ = [("embedding", c_void_p), ("norm", c_void_p), ("turns", c_void_p),
                ("head", CMatrix), ("layers", POINTER(CLayer)),
                *[(name, c_int64) for name in ("n_layer", "n_head", "d_model", "d_ff",
                                               "cache_kind", "capacity", "first_code",
                                               "codebook_size", "group")],
                ("norm_eps", c_float)]


@cache
def library() -> ctypes.CDLL:
    """native.c, compiled for this machine; NativeError where it cannot be."""
    return compiled(SOURCE, with_types)


def with_types(library: ctypes.CDLL) -> ctypes.CDLL:
    """A compiled native.c with the types of its functions; AttributeError where it has none."""
    library.scratch_size.argtypes = [POINTER(CModel), c_int64, c_int64]
    library.scratch_size.restype = c_int64
    library.step.argtypes = [POINTER(CModel), c_int64, c_void_p, c_void_p, c_int64, c_void_p,
                             c_void_p]
    library.step.restype = None
    return library


class RowMatrix:
    """W [N, K] in float32 as it is, row by row."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight, self.scale = weight.contiguous(), None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight)


KINDS: dict[type, int] = {RowMatrix: FLOAT32, BFloat16Matrix: BFLOAT16, Int8Matrix: INT8}


class NativeAR(PackedAR):
    """The weights of an AR as native.c reads them: every matrix row by row.

    Raises:
        NativeError: the step cannot be compiled here.
    """

    def __init__(self, model: AR, precision: str = "float32") -> None:
        self.library, self.threads = library(), Threads()
        super().__init__(model, precision)

    def _matrix(self, weight: torch.Tensor) -> Matrix:
        return RowMatrix(weight) if self.precision == "float32" else super()._matrix(weight)


class Native(Cached):
    """`Cached` with its step in C; prefill is torch's.

    Keys and values are bfloat16 unless the weights are float32: they are most of what is read.
    """

    model: NativeAR

    def __init__(self, model: AR | NativeAR, capacity: int, width: int) -> None:
        super().__init__(model if isinstance(model, NativeAR) else NativeAR(model), capacity, width)
        self.pairs = torch.view_as_real(self.turns).contiguous()
        self.described = self._describe()

    @property
    def cache_dtype(self) -> torch.dtype:
        return torch.float32 if self.model.precision == "float32" else torch.bfloat16

    def step(self, tokens: list[int]) -> torch.Tensor:
        """The logits [B, V] that follow one more token in each row."""
        batch, call, model = len(tokens), self.model.library, byref(self.described)
        numbers = c_int64 * batch
        given, lengths = numbers(*tokens), numbers(*self.ends)
        self.ends = [end + 1 for end in self.ends]
        self._check_room()
        logits = torch.empty(batch, self.model.ids.size)

        def run(threads: int) -> None:
            scratch = torch.empty(call.scratch_size(model, batch, threads))
            call.step(model, batch, given, lengths, threads, scratch.data_ptr(),
                      logits.data_ptr())

        self.model.threads.run(run)
        return logits

    def _describe(self) -> CModel:
        """Where everything is, for C; what it points to belongs to this object."""
        model, shape = self.model, self.model.config.transformer
        layers = [CLayer(layer.norm_attention.data_ptr(), layer.norm_feed_forward.data_ptr(),
                         *map(describe, (layer.qkv, layer.out, layer.gate_up, layer.down)),
                         keys.data_ptr(), values.data_ptr())
                  for layer, keys, values in zip(model.layers, self.keys, self.values, strict=True)]
        return CModel(model.embedding.data_ptr(), model.norm.data_ptr(), self.pairs.data_ptr(),
                      describe(model.head), (CLayer * len(layers))(*layers), shape.n_layer,
                      shape.n_head, shape.d_model, shape.d_ff,
                      BFLOAT16 if self.cache_dtype == torch.bfloat16 else FLOAT32, self.capacity,
                      model.ids.first_code, model.ids.codebook_size, model.ids.group,
                      shape.norm_eps)


def describe(matrix: Any) -> CMatrix:
    """A RowMatrix, BFloat16Matrix or Int8Matrix."""
    return CMatrix(matrix.weight.data_ptr(),
                   None if matrix.scale is None else matrix.scale.data_ptr(),
                   KINDS[type(matrix)], *matrix.weight.shape)
