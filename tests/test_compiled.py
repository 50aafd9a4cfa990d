"""The compiled step: the same logits as the plain one, whoever sits in its rows."""
from __future__ import annotations

import pytest
import torch
from conftest import tiny_ar
from decoding import PLACES, WIDTH, come_and_go, needs_compiler

from valle.engine.compiled import Compiled, CompileError, check_compiler
from valle.engine.kvcache import Cached, PackedAR
from valle.engine.select import pick_engine

CPU = torch.device("cpu")


@needs_compiler
def test_the_engine_is_picked_by_name() -> None:
    name, packed, decoder = pick_engine("compiled", tiny_ar("plain"), "float32", CPU)
    assert (name, type(packed), decoder) == ("compiled", PackedAR, Compiled)


@needs_compiler
@pytest.mark.parametrize("layout", ["plain", "interleaved"])
def test_it_gives_what_the_plain_step_gives(layout: str) -> None:
    model = PackedAR(tiny_ar(layout, sharpness=3.0))
    for a, b in zip(come_and_go(Compiled(model, PLACES, WIDTH)),
                    come_and_go(Cached(model, PLACES, WIDTH)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_captured_graph_gives_what_the_plain_step_gives() -> None:
    model = PackedAR(tiny_ar("plain", sharpness=3.0).cuda())
    for a, b in zip(come_and_go(Compiled(model, PLACES, WIDTH)),
                    come_and_go(Cached(model, PLACES, WIDTH)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)


def test_where_nothing_compiles_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("No working C++ compiler found\nand a long trace")

    monkeypatch.setattr(torch, "compile", lambda _: broken)
    with pytest.raises(CompileError, match=r"^torch.compile does not work here: No working C\+\+ "
                                           "compiler found$"):
        check_compiler(CPU)
    with pytest.raises(ValueError, match="engine compiled: .*; choose torch"):
        pick_engine("compiled", tiny_ar("plain"), "float32", CPU)
