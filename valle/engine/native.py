"""The AR's step on a CPU, compiled: one call of native.c for a token, where torch needs 170.

The C file is compiled once, for this machine, by the C compiler that it has, and kept in the
user's cache folder; without a compiler everything runs in torch, slower.
"""
from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from ctypes import POINTER, Structure, byref, c_float, c_int64, c_void_p
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from valle.engine.kvcache import BFloat16Matrix, Cached, Int8Matrix, Matrix, PackedAR
from valle.model.ar import AR

SOURCE = Path(__file__).with_name("native.c")
# Sums may be reordered, which is what makes them vectors; the rest of IEEE arithmetic holds.
FLAGS = ("-O3", "-funroll-loops", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros",
         "-fassociative-math", "-shared", "-fPIC")
MACHINE_FLAGS = (("-march=native", "-fopenmp"), ("-march=native",), ("-fopenmp",), ())
COMPILE_SECONDS = 60
LEAST_TRUST, MOST_TRUST = 32, 1024  # steps until one and all threads are compared again
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


class NativeError(RuntimeError):
    """The step cannot be compiled here; the message says why."""


@cache
def library() -> ctypes.CDLL:
    """native.c, compiled for this machine at first use and kept in the user's cache folder.

    Raises:
        NativeError: there is no C compiler, or it fails.
    """
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise NativeError("no C compiler (apt-get install gcc, or xcode-select --install)")
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "valle"
    key = "\0".join([compiler, *FLAGS, repr(MACHINE_FLAGS), processor(),
                     SOURCE.read_text("utf-8")])
    kept = folder / f"native-{hashlib.sha256(key.encode()).hexdigest()[:16]}.so"
    with suppress(OSError):
        return loaded(kept)
    said = ""
    with place_in(folder) as place:
        made = Path(place) / kept.name
        for flags in MACHINE_FLAGS:
            try:
                subprocess.run([*compiler.split(), *FLAGS, *flags, str(SOURCE), "-lm", "-o",
                                str(made)], check=True, capture_output=True, text=True,
                               timeout=COMPILE_SECONDS)
                found = loaded(made)
            except (OSError, subprocess.SubprocessError) as error:
                said = str(getattr(error, "stderr", "") or error)
                continue
            with suppress(OSError):  # a home that cannot be written
                made.replace(kept)  # at once: two processes may compile at the same time
            return found
    raise NativeError(f"{compiler} cannot compile {SOURCE.name}: {said.strip()[:200]}")


def loaded(path: Path) -> ctypes.CDLL:
    """A compiled native.c with the types of its functions; OSError when it cannot be loaded."""
    found = ctypes.CDLL(str(path))
    found.scratch_size.argtypes = [POINTER(CModel), c_int64, c_int64]
    found.scratch_size.restype = c_int64
    found.step.argtypes = [POINTER(CModel), c_int64, c_void_p, c_void_p, c_int64, c_void_p,
                           c_void_p]
    found.step.restype = None
    return found


def place_in(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A temporary folder inside another, or elsewhere where that cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder)
    except OSError:
        return tempfile.TemporaryDirectory()


def processor() -> str:
    """What the code was compiled for: a home may be shared by different machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


class Threads:
    """How many threads a step gets: all, or one where that is faster.

    Threads wait for one another thirty times a token. Where another program has one of the cores,
    each wait may last as long as the scheduler gives that program. So both are tried now and then,
    the more seldom the longer they agree; what a step computes stays the same.
    """

    def __init__(self) -> None:
        self.chosen, self.trust, self.left = 0, LEAST_TRUST, 0

    def run(self, step: Callable[[int], None]) -> None:
        """Call step(threads), twice where both are tried: it must not matter how often."""
        everyone = torch.get_num_threads()
        if self.left and self.chosen in (1, everyone):
            self.left -= 1
            return step(self.chosen)
        before, self.chosen = self.chosen, min({1, everyone}, key=partial(seconds, step))
        self.trust = min(2 * self.trust, MOST_TRUST) if self.chosen == before else LEAST_TRUST
        self.left = self.trust


def seconds(step: Callable[[int], None], threads: int) -> float:
    started = time.perf_counter()
    step(threads)
    return time.perf_counter() - started


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
