"""The packed AR: the same model in every precision, and rows that do not depend on one another."""
from __future__ import annotations

import pytest
import torch
from conftest import tiny_ar
from decoding import PLACES, ROWS, WIDTH, follow

from valle.engine.kvcache import FEW_ROWS, Cached, Int8Matrix, PackedAR, pick_precision
from valle.model.ar import AR
from valle.model.config import ARConfig, TransformerConfig


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_row_does_not_depend_on_its_neighbours(precision: str) -> None:
    model = PackedAR(tiny_ar("plain", sharpness=3.0), precision)
    together = follow(Cached(model, PLACES, WIDTH), ROWS)
    for index, row in enumerate(ROWS):
        alone = follow(Cached(model, PLACES, WIDTH), [row])
        for a, b in zip(together, alone, strict=True):
            if precision == "int8":
                assert torch.equal(a[index], b[0])
            else:
                torch.testing.assert_close(a[index], b[0])


@pytest.mark.parametrize(("precision", "error"), [("bfloat16", 0.03), ("int8", 0.05)])
def test_fewer_bits_change_little(precision: str, error: float) -> None:
    model = tiny_ar("plain", sharpness=3.0)
    exact = torch.stack(follow(Cached(PackedAR(model), PLACES, WIDTH), ROWS))
    found = torch.stack(follow(Cached(PackedAR(model, precision), PLACES, WIDTH), ROWS))
    assert 0 < (found - exact).abs().max() < error * exact.abs().max()


def test_bytes_of_a_saved_model_are_kept() -> None:
    """Weights that were rounded to eight bits once are not rounded again."""
    scale = torch.rand(12, 1) / 100
    bytes_ = torch.randint(-127, 128, (12, 64))
    bytes_[:, 0] = 127
    matrix = Int8Matrix(bytes_ * scale)
    assert torch.equal(matrix.weight.long(), bytes_)
    x = torch.randn(3, 64)
    torch.testing.assert_close(matrix(x).float(), x @ (bytes_ * scale).T, atol=0.05, rtol=0.02)


def test_many_rows_take_the_other_kernel_to_the_same_end() -> None:
    matrix = Int8Matrix(torch.randn(24, 64, generator=torch.Generator().manual_seed(0)))
    x = torch.randn(FEW_ROWS + 1, 64, generator=torch.Generator().manual_seed(1))
    few = torch.cat([matrix(x[:FEW_ROWS]), matrix(x[FEW_ROWS:])])
    torch.testing.assert_close(matrix(x).float(), few.float(), atol=0.1, rtol=0.02)


def test_widths_that_the_integer_kernel_cannot_read_are_left_to_another() -> None:
    """With rows of 40 bytes torch's kernel reads what is behind them, and may crash."""
    shape = TransformerConfig(n_layer=1, n_head=2, d_model=40, d_ff=64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AR(ARConfig(20, transformer=shape)).eval()
    packed = PackedAR(model, "int8")
    assert isinstance(packed.layers[0].down, Int8Matrix)
    assert not isinstance(packed.layers[0].qkv, Int8Matrix)
    exact = Cached(model, 16, 1).prefill([[1, 4, 2, 30]])
    torch.testing.assert_close(Cached(packed, 16, 1).prefill([[1, 4, 2, 30]]), exact,
                               atol=0.02, rtol=0.05)


def test_the_precision_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert pick_precision("auto", cpu) == "int8"
    assert pick_precision("auto", torch.device("cuda")) == "float32"
    with pytest.raises(ValueError, match="^precision int4: choose auto, float32"):
        pick_precision("int4", cpu)
    monkeypatch.delattr(torch, "_weight_int8pack_mm")
    with pytest.warns(UserWarning, match="no int8 kernel"):
        assert pick_precision("int8", cpu) == "float32"
