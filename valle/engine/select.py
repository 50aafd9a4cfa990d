"""What models run on, and what runs the AR: our step in C, torch, torch compiled, or llama.cpp."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from codec.record import WrongValue
from valle.engine.base import Decoder
from valle.engine.kvcache import Cached, PackedAR
from valle.model.ar import AR

ENGINES = ("auto", "native", "torch", "compiled", "llama.cpp")


def pick_device(name: str) -> torch.device:
    """"auto" is CUDA where there is one; ValueError when CUDA is asked for and absent."""
    if name not in ("auto", "cpu", "cuda"):
        raise WrongValue("device", name, "choose auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise WrongValue("device", name, "this torch sees no CUDA device; choose cpu")
    cuda = name != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if cuda else "cpu")


def pick_engine(name: str, model: AR, precision: str, device: torch.device,
                ) -> tuple[str, Any, Callable[..., Decoder]]:
    """(the engine's name, the AR's weights in it, the decoder that runs them).

    "auto" is native on a CPU with a C compiler, torch elsewhere.

    Raises:
        ImportError, ValueError: the engine is unknown, is missing, or cannot take the model.
    """
    if name not in ENGINES:
        raise WrongValue("engine", name, f"choose {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    if name == "llama.cpp":
        from valle.engine.llamacpp import LlamaCppAR, LlamaCppDecoder

        return name, LlamaCppAR(model, precision), LlamaCppDecoder
    if name == "compiled":
        from valle.engine.compiled import Compiled, CompileError, check_compiler

        try:
            check_compiler(device)
        except CompileError as error:
            raise WrongValue("engine", name, f"{error}; choose torch") from error
        return name, PackedAR(model, precision), Compiled
    if name == "native" or (name == "auto" and device.type == "cpu"):
        from valle.engine.compile import NativeError
        from valle.engine.native import Native, NativeAR

        try:
            return "native", NativeAR(model, precision), Native
        except NativeError as error:
            if name == "native":
                raise WrongValue("engine", name, f"{error}; or choose torch") from error
    return "torch", PackedAR(model, precision), Cached
