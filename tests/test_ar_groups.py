"""Grouped codes: several in one step, by their ids, in the loss, and in every way of decoding."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import TINY_CODES, TINY_PHONES, tiny_ar
from decoding import PLACES, WIDTH, needs_compiler, request

from g2p import Vocabulary
from valle.engine.base import Uncached
from valle.engine.export import export_llama
from valle.engine.kvcache import PRECISIONS, Cached, PackedAR
from valle.engine.native import Native, NativeAR
from valle.model.ar import AR
from valle.model.config import ARConfig
from valle.model.tokens import AUDIO, BOS, EOS, TokenIds, advance_ids
from valle.synthesis.batch import generate
from valle.synthesis.options import SamplingOptions

IDS = TokenIds(("en-us",), TINY_PHONES, TINY_CODES, 2)
OPTIONS = SamplingOptions(guidance=1.7)


def grouped_ids(count: int) -> list[int]:
    """Random codes as tokens of two each."""
    draw = torch.Generator().manual_seed(count)
    return IDS.codes(torch.randint(TINY_CODES, (2 * count,), generator=draw).tolist())


def test_a_group_is_its_codes_and_the_last_is_repeated() -> None:
    tokens = IDS.codes([3, 1, 4, 1, 5])
    assert len(tokens) == 3 and len(set(tokens)) == 3
    assert IDS.digits(torch.tensor(tokens)).tolist() == [[3, 1], [4, 1], [5, 5]]
    assert replace(IDS, group=1).codes([3, 1, 4]) == [IDS.first_code + c for c in (3, 1, 4)]
    assert IDS.codes([]) == []


def test_embeddings_are_sums_of_the_tables_of_each_place() -> None:
    table = torch.randn(IDS.size, 4)
    tokens = torch.tensor([[AUDIO, 7, *IDS.codes([3, 9])]])
    second = IDS.first_code + TINY_CODES
    expected = torch.stack([table[AUDIO], table[7], table[IDS.first_code + 3] + table[second + 9]])
    torch.testing.assert_close(IDS.embed(tokens, table)[0], expected)


def test_a_group_belongs_to_the_phone_of_its_middle() -> None:
    """Frames 0 1 | 2 3 | 4 5 | 6, phones of 3, 2, 0 and 2 frames."""
    codes = [10, 11, 12, 13, 14, 15, 16]
    groups = IDS.codes(codes)
    phones = [IDS.first_phone + p for p in (1, 2, 3, 4)]
    assert IDS.interleave([1, 2, 3, 4], [3, 2, 0, 2], codes) == [
        phones[0], groups[0], groups[1], phones[1], groups[2], phones[2], phones[3], groups[3]]


@pytest.mark.parametrize("layout", ["plain", "interleaved"])
def test_the_loss_is_that_of_all_codes_of_a_group(layout: str) -> None:
    model = tiny_ar(layout, sharpness=5.0, group=2)
    spoken = (IDS.codes([5, 6, 7]) if layout == "plain"
              else IDS.interleave([1, 2, 3], [2, 1, 3], [5, 6, 7, 8, 9, 10]))
    row = [*IDS.prefix("en-us", [1, 2, 3]), *spoken, EOS]
    logits, first = model(torch.tensor([row]))[0], IDS.first_code
    others, second = range(first), range(first, first + TINY_CODES)
    losses = []
    for place in range(row.index(AUDIO), len(row) - 1):
        following = row[place + 1]
        may_come = others if layout == "plain" else [
            next(t for t in row[place + 1:] if t < first)]
        allowed = torch.tensor([*may_come, *second])
        chances = logits[place, allowed].log_softmax(0)
        if following < first:
            losses.append(-float(chances[allowed.tolist().index(following)]))
            continue
        one, two = IDS.digits(torch.tensor(following)).tolist()
        of_second = logits[place, first + TINY_CODES:].log_softmax(0)
        losses.append(-float(chances[len(may_come) + one]) - float(of_second[two]))
    advance = None if layout == "plain" else torch.tensor([advance_ids(row, IDS)])
    found = float(model.loss(torch.tensor([row]), advance)["loss"])
    assert found == pytest.approx(sum(losses) / len(losses), rel=1e-5)


@pytest.mark.parametrize("layout", ["plain", "interleaved"])
@pytest.mark.parametrize("options", [OPTIONS, SamplingOptions(temperature=0, guidance=1.0)],
                         ids=["drawn", "greedy"])
def test_cached_gives_the_groups_of_uncached_in_any_company(layout: str,
                                                           options: SamplingOptions) -> None:
    model = tiny_ar(layout, 3, leaning=3.0, group=2)
    requests = [request(model, s, phones=2 + s, heard=3 + 4 * (s % 3)) for s in range(4)]
    together = generate(model, requests, options, Cached, width=2)
    assert together == [generate(model, [r], options, Uncached)[0] for r in requests]
    assert all(one.codes and len(one.codes) % 2 == 0 for one in together)
    if layout == "interleaved":
        assert all(sum(one.durations or []) == len(one.codes) for one in together)


@needs_compiler
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_step_in_c_embeds_groups_as_torch_does(precision: str) -> None:
    model = tiny_ar("plain", sharpness=3.0, group=2)
    tokens = grouped_ids(6)
    found = []
    for decoder in (Native(NativeAR(model, precision), PLACES, WIDTH),
                    Cached(PackedAR(model), PLACES, WIDTH)):
        with torch.inference_mode():
            found.append([decoder.prefill([[BOS, 4, AUDIO, *tokens[:2]]]),
                          *(decoder.step([token]) for token in tokens[2:])])
    error = 2e-5 if precision == "float32" else 0.05
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).abs().max() < error * theirs.abs().max()


def test_what_cannot_be_exported_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trained with --group 2: .* only one trained with "
                                         "--group 1 can be exported"):
        export_llama(tiny_ar("plain", group=2),
                     Vocabulary.build([[f"p{i}" for i in range(TINY_PHONES - 8)]]), "codec",
                     tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="group 5: must be 1 to 4"):
        AR(ARConfig(TINY_PHONES, group=5))
