"""The Transformer, the AR and the NAR: who sees whom, which table belongs to which head, losses."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from conftest import TINY_CODES, TINY_PHONES, tiny_ar

from codec.record import from_record
from valle.engine.kvcache import Cached
from valle.model.ar import AR
from valle.model.config import (
    SIZES,
    ARConfig,
    NARConfig,
    TransformerConfig,
    size,
    to_json,
)
from valle.model.nar import NAR, NARBatch
from valle.model.tokens import AUDIO, BOS, EOS, PAD, SPECIALS, TokenIds, advance_ids
from valle.model.transformer import rotary, rotate

BOOKS = 4


def tiny_nar(aligned: bool = True, seed: int = 0) -> NAR:
    """A random NAR whose levels differ."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = NAR(NARConfig(TINY_PHONES, BOOKS, TINY_CODES, aligned, size("tiny"))).eval()
        for parameter in model.parameters():
            parameter.data.normal_(0, 0.3)
    return model


def nar_batch(phones: list[int], frames: list[int], prompts: list[int], seed: int = 0) -> NARBatch:
    """Random rows, padded with random values on the right."""
    draw = torch.Generator().manual_seed(seed)
    rows, length = len(phones), max(frames)

    def ids(high: int, *shape: int) -> torch.Tensor:
        return torch.randint(1, high, shape, generator=draw)

    return NARBatch(ids(TINY_PHONES, rows, max(phones)), torch.tensor(phones),
                    ids(TINY_CODES, rows, BOOKS, length), torch.tensor(frames),
                    torch.tensor(prompts), ids(TINY_PHONES, rows, length))


# --- positions -----------------------------------------------------------------------------------

def test_rotary_products_depend_on_the_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0))

    def product(i: int, j: int) -> float:
        at = [rotary(torch.tensor([[p]]), 16, 10_000.0) for p in (i, j)]
        return float((rotate(q, *at[0]) * rotate(k, *at[1])).sum())

    for distance in (0, 1, 7):
        first = product(distance, 0)
        assert all(product(p + distance, p) == pytest.approx(first, abs=1e-4)
                   for p in (1, 13, 400))
    assert abs(product(5, 0) - product(6, 0)) > 1e-3
    assert abs(product(5, 0) - product(0, 5)) > 1e-3, "the direction counts"


def test_rotation_keeps_lengths_and_position_zero() -> None:
    x = torch.randn(2, 3, 5, 8)
    turned = rotate(x, *rotary(torch.arange(5)[None], 8, 10_000.0))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, :, 0], x[:, :, 0])


# --- AR ------------------------------------------------------------------------------------------

def test_ar_is_causal() -> None:
    model = tiny_ar("plain", sharpness=5.0)
    tokens = torch.randint(4, model.ids.size, (2, 12))
    logits = model(tokens)
    for place in (3, 8, 11):
        changed = tokens.clone()
        changed[:, place] = (changed[:, place] - 3) % (model.ids.size - 4) + 4
        after = model(changed)
        torch.testing.assert_close(after[:, :place], logits[:, :place], rtol=0, atol=0)
        assert (after[:, place:] - logits[:, place:]).abs().amax(dim=(0, 2)).min() > 1e-4


def test_ar_position_depends_on_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_ar("plain", sharpness=5.0).requires_grad_(True)
    tokens = torch.randint(4, model.ids.size, (1, 9))
    inputs = model.embed_tokens(tokens).detach().requires_grad_(True)
    monkeypatch.setattr(TokenIds, "embed", lambda *_: inputs)
    model(tokens)[0, 5].sum().backward()
    assert inputs.grad is not None
    touched = inputs.grad[0].abs().sum(dim=1)
    assert bool((touched[:6] > 0).all()) and not bool(touched[6:].any())


def test_ar_padding_changes_nothing() -> None:
    model = tiny_ar("plain", sharpness=5.0)
    tokens = torch.randint(4, model.ids.size, (1, 7))
    padded = F.pad(tokens, (0, 5), value=PAD)
    torch.testing.assert_close(model(padded)[:, :7], model(tokens))
    spoken = torch.tensor([[BOS, 4, 6, AUDIO, *range(model.ids.first_code,
                                                       model.ids.first_code + 4), EOS]])
    alone = model.loss(spoken, None)["loss"]
    torch.testing.assert_close(model.loss(F.pad(spoken, (0, 6), value=PAD), None)["loss"], alone)


def sequences(ids: TokenIds) -> list[list[int]]:
    """Two interleaved rows of different lengths."""
    rows = (([3, 5, 3, 9], [0, 2, 3, 1]), ([7, 2], [4, 0]))
    return [[*ids.prefix("en-us", phones),
             *ids.interleave(phones, frames, range(sum(frames))), EOS] for phones, frames in rows]


def padded(rows: list[list[int]]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(r) for r in rows], batch_first=True,
                                           padding_value=PAD)


def test_plain_loss_counts_what_follows_audio_and_nothing_else() -> None:
    model = tiny_ar("plain", sharpness=5.0)
    ids = model.ids
    rows = [[*ids.prefix("en-us", [1, 2, 3]), *ids.codes([5, 6, 7]), EOS],
            [*ids.prefix("en-us", [4]), *ids.codes([8, 9, 10, 11, 12]), EOS]]
    losses = []
    for row in rows:
        logits = model(torch.tensor([row]))[0].log_softmax(-1)
        start = row.index(AUDIO)
        losses += [-float(logits[i, row[i + 1]]) for i in range(start, len(row) - 1)]
    assert len(losses) == 4 + 6
    found = model.loss(padded(rows), None)["loss"]
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_interleaved_loss_is_the_loss_under_the_mask_of_decoding() -> None:
    model = tiny_ar("interleaved", sharpness=5.0, leaning=2.0)
    ids = model.ids
    rows = sequences(ids)
    losses = []
    for row in rows:
        logits = model(torch.tensor([row]))[0].double()
        start = row.index(AUDIO)
        for i in range(start, len(row) - 1):
            coming = next(t for t in row[i + 1:] if t < ids.first_code)
            allowed = [*range(ids.first_code, ids.size), coming]
            total = torch.logsumexp(logits[i, allowed], 0)
            losses.append(float(total - logits[i, row[i + 1]]))
    advance = padded([advance_ids(row, ids) for row in rows])
    model.train()
    found = model.loss(padded(rows), advance)["loss"]
    assert float(found) == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    model.eval()
    report = model.loss(padded(rows), advance)
    assert float(report["loss"]) == pytest.approx(float(found))
    moves = sum(t < ids.first_code for row in rows for t in row[row.index(AUDIO) + 1:])
    assert float(report["advance_true"]) == pytest.approx(moves / len(losses))
    assert 0 < float(report["advance_model"]) < 1


def test_advance_ids_name_the_next_phone_or_the_end() -> None:
    ids = TokenIds(("en-us",), TINY_PHONES, TINY_CODES)
    a, b, code = ids.first_phone + 3, ids.first_phone + 5, ids.first_code
    row = [BOS, 4, a, b, AUDIO, a, code, code, b, code, EOS]
    assert advance_ids(row, ids) == [4, a, b, AUDIO, a, b, b, b, EOS, EOS, EOS]


def test_ids_do_not_overlap_and_every_one_has_its_place() -> None:
    ids = TokenIds(("de", "en-us"), 5, 7)
    everything = [*range(len(SPECIALS)), ids.language("de"), ids.language("en-us"),
                  *(ids.first_phone + p for p in range(5)), *ids.codes(range(7))]
    assert everything == list(range(ids.size))
    assert len({PAD, BOS, AUDIO, EOS}) == 4
    with pytest.raises(ValueError, match="it speaks de, en-us"):
        ids.language("fr")
    with pytest.raises(ValueError, match="must agree"):
        ids.interleave([1, 2], [1, 1], [1, 2, 3])


def test_a_full_cache_is_refused() -> None:
    model = tiny_ar("plain")
    with pytest.raises(ValueError, match="5 tokens do not fit a cache of 4"):
        Cached(model, 4, 1).prefill([[1] * 5])
    with pytest.raises(ValueError, match="2 rows do not fit a cache of 1"):
        Cached(model, 4, 1).prefill([[1, 2], [3]])


# --- NAR -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("level", range(1, BOOKS))
def test_nar_head_i_is_tied_to_table_i(level: int) -> None:
    """Level i predicts book i with table i; several open implementations tie it one off."""
    model, batch = tiny_nar(), nar_batch([4], [10], [3])
    hidden = []
    model.norm.register_forward_hook(lambda _, __, out: hidden.append(out))
    logits = model(batch, torch.tensor([level]))
    table = model.codes.weight[level * TINY_CODES: (level + 1) * TINY_CODES]
    torch.testing.assert_close(logits, hidden[0][:, -10:] @ table.T)


@pytest.mark.parametrize("level", range(1, BOOKS))
def test_nar_sees_lower_books_of_the_target_and_all_of_the_prompt(level: int) -> None:
    model, batch, prompt = tiny_nar(), nar_batch([4], [10], [3]), 3
    logits = model(batch, torch.tensor([level]))
    for book in range(BOOKS):
        for frame in (1, 6):
            codes = batch.codes.clone()
            codes[0, book, frame] = (codes[0, book, frame] + 1) % TINY_CODES
            moved = (model(replace(batch, codes=codes), torch.tensor([level])) - logits).abs()
            seen = frame < prompt or book < level
            assert bool(moved.amax() > 1e-4) == seen, (book, frame)
            if seen:
                assert bool((moved.amax(dim=2) > 0).all()), "every frame sees every other"


@pytest.mark.parametrize("aligned", [True, False])
def test_nar_padding_changes_nothing(aligned: bool) -> None:
    model = tiny_nar(aligned)
    batch = nar_batch([4, 7, 2], [10, 6, 13], [3, 2, 6])
    batch = batch if aligned else replace(batch, frame_phones=None)
    level = torch.tensor([1, 2, 3])
    together, (losses, hits) = model(batch, level), model.loss(batch, level)
    for i, (phones, frames) in enumerate(zip([4, 7, 2], [10, 6, 13], strict=True)):
        row = slice(i, i + 1)
        spoken = batch.frame_phones
        alone = NARBatch(batch.phones[row, :phones], batch.n_phones[row],
                         batch.codes[row, :, :frames], batch.n_frames[row],
                         batch.prompt_frames[row],
                         None if spoken is None else spoken[row, :frames])
        torch.testing.assert_close(model(alone, level[row])[0], together[i, :frames],
                                   rtol=1e-4, atol=1e-4)
        loss, hit = model.loss(alone, level[row])
        torch.testing.assert_close(loss[0], losses[i], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(hit[0], hits[i])


def test_nar_loss_is_over_target_frames_of_its_own_book() -> None:
    model, batch = tiny_nar(), nar_batch([4, 5], [10, 8], [3, 2])
    for level in range(1, BOOKS):
        levels = torch.full((2,), level)
        logits = model(batch, levels).log_softmax(-1)
        losses = model.loss(batch, levels)[0].detach()
        for row, (frames, prompt) in enumerate(((10, 3), (8, 2))):
            by_hand = [-float(logits[row, t, batch.codes[row, level, t]].detach())
                       for t in range(prompt, frames)]
            assert float(losses[row]) == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-5)


def test_nar_loss_gives_padding_no_gradient() -> None:
    model, batch = tiny_nar(), nar_batch([4, 4], [10, 5], [3, 2])
    losses, _ = model.loss(batch, torch.tensor([1, 2]))
    before = losses.detach().clone()
    codes = batch.codes.clone()
    codes[1, :, 5:] = 0
    losses, _ = model.loss(replace(batch, codes=codes), torch.tensor([1, 2]))
    torch.testing.assert_close(losses.detach(), before)


def test_nar_levels_differ_and_are_per_sample() -> None:
    model, batch = tiny_nar(), nar_batch([4, 4], [10, 10], [3, 3])
    mixed = model(batch, torch.tensor([1, 3]))
    torch.testing.assert_close(mixed[0], model(batch, torch.tensor([1, 1]))[0])
    torch.testing.assert_close(mixed[1], model(batch, torch.tensor([3, 3]))[1])
    assert not torch.allclose(mixed[0], model(batch, torch.tensor([2, 2]))[0])


def test_nar_text_and_frame_phones_count() -> None:
    model, batch = tiny_nar(), nar_batch([4], [10], [3])
    level = torch.tensor([2])
    logits = model(batch, level)
    assert batch.frame_phones is not None
    for changed in (replace(batch, phones=batch.phones.flip(1)),
                    replace(batch, frame_phones=batch.frame_phones.flip(1))):
        assert not torch.allclose(model(changed, level), logits)


# --- sizes ---------------------------------------------------------------------------------------

def block_parameters(shape: TransformerConfig, norm: int) -> int:
    return 4 * shape.d_model ** 2 + 3 * shape.d_model * shape.d_ff + 2 * norm


def test_parameter_counts_of_the_starter() -> None:
    shape, phones = size("starter"), 80
    ar = AR(ARConfig(phones))
    vocabulary = 4 + 1 + phones + 1024
    assert sum(p.numel() for p in ar.parameters()) == (
        vocabulary * 256 + 6 * block_parameters(shape, 256) + 256)
    nar = NAR(NARConfig(phones))
    norm = 8 * 2 * 256
    assert sum(p.numel() for p in nar.parameters()) == (
        (2 * phones + 8 * 1024 + 3) * 256 + 6 * block_parameters(shape, norm) + norm)
    assert 5.0e6 < sum(p.numel() for p in ar.parameters()) < 5.6e6
    assert 7.0e6 < sum(p.numel() for p in nar.parameters()) < 7.5e6


def test_the_papers_size() -> None:
    paper = SIZES["paper"]
    assert (paper.n_layer, paper.n_head, paper.d_model) == (12, 16, 1024)
    assert 3 * paper.d_model * paper.d_ff == pytest.approx(2 * 1024 * 4096, rel=0.04)


def test_configs_survive_json_and_name_what_is_wrong() -> None:
    for config in (ARConfig(9, ("de", "en-us"), 32, "plain", size("tiny", dropout=0.1)),
                   NARConfig(9, 3, 32, False, size("tiny"))):
        assert from_record(type(config), json.loads(json.dumps(to_json(config)))) == config
    for build, flag in ((lambda: size("huge"), "^size huge: choose"),
                        (lambda: ARConfig(9, layout="diagonal"), "^layout diagonal: choose"),
                        (lambda: NARConfig(9, n_codebooks=1), "n_codebooks 1: must be 2 to 64"),
                        (lambda: size("tiny", n_head=5), "n_head"),
                        (lambda: from_record(ARConfig, {"transformer": {}}), "phones missing"),
                        (lambda: from_record(NARConfig, {"phones": 3, "x": 1}), "what is x")):
        with pytest.raises(ValueError, match=flag):
            build()
