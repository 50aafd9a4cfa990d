"""llama.cpp as the engine of the AR (`--engine llama.cpp`): the same tokens by another machine.

Every row is a sequence of one llama.cpp context; `LlamaCppDecoder` is a Decoder of base.py.
"""
from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from valle.engine.export import export_gguf
from valle.features.optional import package
from valle.model.ar import AR

GGUF_PRECISIONS = {"float32": "f32", "bfloat16": "f16", "int8": "q8_0"}
PREFILL_TOKENS = 512  # decoded in one call


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def say_nothing(level: int, text: bytes, data: object) -> None:
    """Takes llama.cpp's log; it must live as long as llama.cpp does."""


class LlamaCppAR:
    """An AR in llama.cpp: exported to a temporary GGUF file and loaded from there."""

    def __init__(self, model: AR, precision: str = "float32") -> None:
        """precision: of cache.PRECISIONS; int8 is llama.cpp's q8_0, bfloat16 its f16.

        Raises:
            ImportError: llama-cpp-python or gguf is missing; the line says what to install.
            ValueError: llama.cpp does not take the model.
        """
        self.config, self.ids, self.precision = model.config, model.ids, precision
        self.api: Any = package("llama_cpp", "the engine llama.cpp", "llama-cpp-python")
        self.api.llama_log_set(say_nothing, ctypes.c_void_p(0))
        self.api.llama_backend_init()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ar.gguf"
            export_gguf(model, path, GGUF_PRECISIONS[precision])
            options = self.api.llama_model_default_params()
            options.n_gpu_layers, options.use_mmap = 0, False
            self.weights = self.api.llama_model_load_from_file(os.fsencode(path), options)
        if not self.weights:
            raise ValueError("llama.cpp cannot load this AR; use --engine torch")

    def __del__(self) -> None:
        if getattr(self, "weights", None):
            self.api.llama_model_free(self.weights)


class LlamaCppDecoder:
    """Logits of rows side by side, each a sequence of its own in one context."""

    def __init__(self, model: LlamaCppAR, capacity: int, width: int) -> None:
        """capacity: tokens of the longest row. width: rows side by side, at most.

        Raises:
            ValueError: there is no memory for so many.
        """
        self.model, self.capacity, self.width = model, capacity, width
        self.sequences, self.lengths = list[int](), list[int]()
        self.context: Any = None
        api, threads = model.api, torch.get_num_threads()
        options = api.llama_context_default_params()
        options.n_ctx, options.n_seq_max = capacity * width, width
        options.n_batch = options.n_ubatch = PREFILL_TOKENS
        options.n_threads = options.n_threads_batch = threads
        if model.precision == "float32":  # keys and values are f16 otherwise
            options.type_k = options.type_v = api.GGML_TYPE_F32
        self.context = api.llama_init_from_model(model.weights, options)
        if not self.context:
            raise ValueError(f"llama.cpp has no memory for {width} rows of {capacity} "
                             "tokens; speak fewer at once, or use --engine torch")
        self.batch = api.llama_batch_init(max(PREFILL_TOKENS, width), 0, 1)

    def prefill(self, rows: Sequence[list[int]]) -> torch.Tensor:
        """Take in rows of any lengths, after those that are there; the logits [B, V] after each."""
        free = sorted(set(range(self.width)) - set(self.sequences))
        logits = []
        for sequence, row in zip(free, rows, strict=False):
            for first in range(0, len(row), PREFILL_TOKENS):
                part = row[first: first + PREFILL_TOKENS]
                self._decode([(token, first + place, sequence)
                              for place, token in enumerate(part)], every=False)
            logits.append(self._logits(len(part) - 1))
            self.sequences.append(sequence)
            self.lengths.append(len(row))
        return torch.stack(logits)

    def step(self, tokens: list[int]) -> torch.Tensor:
        """The logits [B, V] that follow one more token in each row."""
        self._decode(list(zip(tokens, self.lengths, self.sequences, strict=True)), every=True)
        self.lengths = [length + 1 for length in self.lengths]
        return torch.stack([self._logits(index) for index in range(len(tokens))])

    def keep(self, rows: list[int]) -> None:
        """Go on with these rows alone."""
        api = self.model.api
        for dropped in set(range(len(self.sequences))) - set(rows):
            api.llama_memory_seq_rm(api.llama_get_memory(self.context), self.sequences[dropped],
                                    -1, -1)
        self.sequences = [self.sequences[row] for row in rows]
        self.lengths = [self.lengths[row] for row in rows]

    def _decode(self, tokens: list[tuple[int, int, int]], every: bool) -> None:
        """Run (token, position, sequence) of a batch; logits of every token, or of the last."""
        self.batch.n_tokens = len(tokens)
        for index, (token, place, sequence) in enumerate(tokens):
            self.batch.token[index], self.batch.pos[index] = token, place
            self.batch.n_seq_id[index], self.batch.seq_id[index][0] = 1, sequence
            self.batch.logits[index] = every or index == len(tokens) - 1
        if code := self.model.api.llama_decode(self.context, self.batch):
            raise ValueError(f"llama.cpp cannot decode (code {code}): {sum(self.lengths)} tokens "
                             f"in a context of {self.capacity * self.width}")

    def _logits(self, index: int) -> torch.Tensor:
        found = self.model.api.llama_get_logits_ith(self.context, index)
        return torch.from_numpy(np.ctypeslib.as_array(found, (self.model.ids.size,)).copy())

    def __del__(self) -> None:
        if self.context:
            self.model.api.llama_batch_free(self.batch)
            self.model.api.llama_free(self.context)
