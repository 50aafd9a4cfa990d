"""Decoding: the cache against the reference, batches against singles, and each layout's rules."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from conftest import TINY_CODES, TINY_PHONES, tiny_ar
from decoding import FRAME_RATE, PLACES, ROWS, WIDTH, come_and_go, follow, request

from g2p import SPACE
from valle.engine.base import Uncached
from valle.engine.kvcache import Cached
from valle.model.ar import AR
from valle.model.config import NARConfig, size
from valle.model.nar import NAR, NARBatch
from valle.model.tokens import AUDIO
from valle.synthesis.batch import Batch, closed_up, generate, room
from valle.synthesis.decode import (
    Guided,
    InterleavedWriter,
    Request,
    _unconditional,
    fill_codebooks,
    fill_latents,
)
from valle.synthesis.options import SamplingOptions

LAYOUTS = ("plain", "interleaved")
PER_PHONE, CAP, LONGEST, LONGEST_OF_SPACE = (3, 16), 225, 60, 45  # frames of limits in seconds
OPTIONS = (SamplingOptions(), SamplingOptions(temperature=0),
           SamplingOptions(temperature=0.6, top_k=8, top_p=1.0, guidance=1.7),
           SamplingOptions(temperature=1.5, top_p=0.5, ras_window=4, ras_threshold=0.3))


class Counting(Cached):
    """The cache, keeping the number of rows of each step."""

    def __init__(self, model: AR, capacity: int, width: int) -> None:
        super().__init__(model, capacity, width)
        self.widths: list[int] = []

    def step(self, tokens: list[int]) -> torch.Tensor:
        self.widths.append(len(tokens))
        return super().step(tokens)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"t{o.temperature}")
def test_cached_gives_the_tokens_of_uncached(layout: str, options: SamplingOptions) -> None:
    for seed in range(3):
        model = tiny_ar(layout, seed, leaning=3.0)
        requests = [request(model, seed), request(model, seed + 10, phones=3, heard=9)]
        fast = generate(model, requests, options, Cached)
        assert fast == generate(model, requests, options, Uncached)
        assert all(one.codes for one in fast)


def test_the_cache_gives_the_logits_of_the_reference() -> None:
    model = tiny_ar("plain", sharpness=3.0)
    fast, slow = (come_and_go(make(model, PLACES, WIDTH)) for make in (Cached, Uncached))
    for a, b in zip(fast, slow, strict=True):
        torch.testing.assert_close(a, b)


def test_a_row_cannot_move_towards_the_end() -> None:
    decoder = Cached(tiny_ar("plain"), PLACES, WIDTH)
    follow(decoder, ROWS)
    with pytest.raises(ValueError, match="can only move towards the front"):
        decoder.keep([1, 0])


@pytest.mark.parametrize(("stay", "order"), [
    ([], []), ([0, 1], [0, 1]), ([1, 2], [2, 1]), ([3], [3]), ([0, 2, 5, 7], [0, 7, 2, 5])])
def test_the_last_rows_fill_the_gaps(stay: list[int], order: list[int]) -> None:
    assert closed_up(stay) == order


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("options", OPTIONS[:3], ids=lambda o: f"t{o.temperature}")
def test_a_batch_gives_what_its_rows_give_alone(layout: str, options: SamplingOptions) -> None:
    model = tiny_ar(layout, 5, leaning=3.0)
    requests = [request(model, s, phones=2 + s, heard=3 + 4 * (s % 3)) for s in range(5)]
    together = generate(model, requests, options)
    assert together == [generate(model, [r], options)[0] for r in requests]
    assert together[::-1] == generate(model, requests[::-1], options)
    assert together == generate(model, requests, options, width=2), "where one ends, one begins"
    assert len({len(one.codes) for one in together}) > 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_requests_that_join_late_or_are_dropped_change_nothing_for_the_others(layout: str) -> None:
    model = tiny_ar(layout, 5, leaning=3.0)
    requests = [request(model, s, phones=8 + s, heard=3 + 4 * (s % 3)) for s in range(5)]
    alone = [generate(model, [one], OPTIONS[0])[0] for one in requests]
    capacity = max(room(one, layout, model.ids) for one in requests)
    batch, found = Batch(model, OPTIONS[0], Cached, capacity, 5), {}
    for index, one in enumerate(requests):
        batch.join([(index, one)])
        for _ in range(3):
            found.update(batch.step())
        if index == 2:
            batch.drop({1, "not there"})
    while batch:
        found.update(batch.step())
    assert found == {index: alone[index] for index in (0, 2, 3, 4)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_seed_alone_decides(layout: str) -> None:
    model = tiny_ar(layout, leaning=3.0)
    one = request(model, 0)
    assert generate(model, [one], OPTIONS[0]) == generate(model, [one], OPTIONS[0])
    other = replace(one, seed=1)
    assert generate(model, [one], OPTIONS[0]) != generate(model, [other], OPTIONS[0])


def test_guidance_leads_away_from_what_is_said_without_text_and_prompt() -> None:
    model = tiny_ar("interleaved", sharpness=3.0)
    one, first = request(model, 0), model.ids.first_code
    nothing = [*one.tokens[:2], *[model.ids.first_phone] * len(one.phones), AUDIO]
    phone, code = model.ids.first_phone + 3, first + 2
    guided = Guided(Uncached(model, PLACES, 2), model.ids, 2.5)
    led = [guided.prefill([one.tokens, one.unconditional(model.ids)]), guided.step([phone]),
           guided.step([code])]
    for count, logits in enumerate(led):
        spoken, blind = [phone, code][:count], [model.ids.first_phone, code][:count]
        given = model(torch.tensor([[*one.tokens, *spoken]]))[0, -1]
        away = model(torch.tensor([[*nothing, *blind]]))[0, -1]
        expected = (2.5 * given[first:].log_softmax(0) - 1.5 * away[first:].log_softmax(0))
        torch.testing.assert_close(logits[0, first:].log_softmax(0), expected.log_softmax(0))
        torch.testing.assert_close(logits[0].softmax(0)[:first], given.softmax(0)[:first])


@pytest.mark.parametrize("aligned", [True, False])
def test_guided_books_are_led_away_from_those_of_the_target_alone(aligned: bool) -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 2, TINY_CODES, aligned, size("tiny"))).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    batch = nar_batch([(5, 20, 6)], 2, aligned)
    alone = NARBatch(torch.zeros_like(batch.phones), batch.n_phones, batch.codes[:, :, 6:],
                     batch.n_frames - 6, torch.tensor([0]),
                     torch.zeros(1, 14, dtype=torch.long) if aligned else None)
    level = torch.tensor([1])
    given, away = model(batch, level)[:, 6:], model(alone, level)
    expected = (2.5 * given.log_softmax(2) - 1.5 * away.log_softmax(2)).argmax(2)
    assert torch.equal(fill_codebooks(model, batch, 2.5)[:, 1, 6:], expected)
    assert not torch.equal(fill_codebooks(model, batch)[:, 1, 6:], expected)


def test_finished_rows_leave_the_batch_and_others_take_their_place() -> None:
    model = tiny_ar("plain", leaning=30.0)  # ends as soon as it may
    decoders: list[Counting] = []

    def counting(model: AR, capacity: int, width: int) -> Counting:
        decoders.append(Counting(model, capacity, width))
        return decoders[-1]

    requests = [request(model, s, phones=n) for s, n in enumerate((4, 2, 3))]
    written: list[int] = []
    spoken = generate(model, requests, replace(OPTIONS[0], guidance=1.0), counting,
                         written.append)
    assert [len(one.codes) for one in spoken] == [12, 6, 9]
    assert decoders[0].widths == [3] * 6 + [2] * 3 + [1] * 3
    assert sum(written) == 12 + 6 + 9 + 3, "every code, and one <eos> for each row"
    again = generate(model, requests, replace(OPTIONS[0], guidance=1.0), counting, width=2)
    assert again == spoken
    assert decoders[1].widths == [2] * 6 + [1] + [2] * 5 + [1] * 4, "the third's first is prefill"


@pytest.mark.parametrize("seed", range(6))
def test_interleaved_neither_skips_nor_repeats_a_phone(seed: int) -> None:
    model = tiny_ar("interleaved", seed, leaning=3.0, sharpness=8.0)
    written: list[int] = []

    class Keeping(Uncached):
        def step(self, tokens: list[int]) -> torch.Tensor:
            written.append(tokens[0])
            return super().step(tokens)

    one = request(model, seed, phones=7)
    spoken = generate(model, [one], OPTIONS[0], Keeping)[0]
    phones = [t - model.ids.first_phone for t in written if t < model.ids.first_code]
    codes = [t - model.ids.first_code for t in written if t >= model.ids.first_code]
    durations = spoken.durations or []
    assert phones == one.phones[: len(phones)]
    assert codes == list(spoken.codes[: len(codes)]) and len(spoken.codes) - len(codes) <= 1
    assert sum(durations) == len(spoken.codes)
    assert all(0 <= code < TINY_CODES for code in spoken.codes)
    assert max(durations) <= LONGEST + 1
    if spoken.finish == "eos":
        assert phones == one.phones and len(durations) == len(one.phones)
        assert all(d > 0 for d, b in zip(durations, one.boundary, strict=True) if not b)


def test_a_model_that_only_moves_on_gives_each_phone_one_frame() -> None:
    model = tiny_ar("interleaved", leaning=60.0)
    spoken = generate(model, [request(model, 0)], SamplingOptions(temperature=0))[0]
    assert spoken.finish == "eos" and spoken.durations == (0, 1, 1, 1, 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_model_that_never_ends_is_stopped_and_says_so(layout: str) -> None:
    model = tiny_ar(layout, leaning=-15.0)
    one = replace(request(model, 0, phones=4), phones=[2, 3, 4, 5])
    spoken = generate(model, [one], OPTIONS[0])[0]
    most = PER_PHONE[1] * 4 if layout == "plain" else CAP
    assert spoken.finish == "cap" and len(spoken.codes) == most
    if layout == "interleaved":
        assert spoken.durations == (*[LONGEST] * 3, CAP - 3 * LONGEST)


def test_limits_are_in_seconds_whatever_the_frame_rate() -> None:
    model = tiny_ar("interleaved", leaning=-15.0)
    one = replace(request(model, 0, phones=4), phones=[2, 3, 4, 5], frame_rate=FRAME_RATE / 3)
    spoken = generate(model, [one], OPTIONS[0])[0]
    assert spoken.finish == "cap" and spoken.durations == (20, 20, 20, 15)


def test_a_pause_without_punctuation_is_not_as_long_as_others() -> None:
    model = tiny_ar("interleaved", leaning=-15.0)
    text = [3, SPACE, 2, 4]
    one = Request([*model.ids.prefix("en-us", text), model.ids.first_code], text,
                  [False, True, True, False], 0, FRAME_RATE)
    spoken = generate(model, [one], OPTIONS[0])[0]
    assert spoken.durations == (LONGEST, LONGEST_OF_SPACE, LONGEST, 60)


def test_plain_does_not_end_before_the_least_length() -> None:
    model = tiny_ar("plain", leaning=60.0)
    spoken = generate(model, [request(model, 0, phones=6)], OPTIONS[0])[0]
    assert spoken.finish == "eos" and len(spoken.codes) == PER_PHONE[0] * 6


def test_lengths_of_phones_follow_the_models_own_chance_to_move_on() -> None:
    """With a constant chance p to move on, the mean length is near that of the geometric law."""
    model = tiny_ar("interleaved")
    chance, lengths = 0.2, []
    logits = torch.zeros(model.ids.size)
    logits[: model.ids.first_code] = torch.logit(torch.tensor(chance)) + torch.log(
        torch.tensor(float(TINY_CODES)))
    one = Request([], [1] * 400, [True] * 400, 0, FRAME_RATE)
    writer = InterleavedWriter(one, model.ids)
    draw = torch.Generator().manual_seed(0)
    while not writer.done:
        writer.choose(logits, [0], float(torch.rand((), generator=draw)))
    lengths = writer.durations
    assert writer.finish == "eos"
    assert sum(lengths) / len(lengths) == pytest.approx((1 - chance) / chance, rel=0.2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1e30])
@pytest.mark.parametrize("options", OPTIONS[:3], ids=lambda o: f"t{o.temperature}")
def test_whatever_the_model_says_an_answer_comes(layout: str, bad: float,
                                                 options: SamplingOptions) -> None:
    class Broken(Cached):
        """Logits that a broken checkpoint may give."""

        def step(self, tokens: list[int]) -> torch.Tensor:
            logits = super().step(tokens)
            logits[:, len(tokens) % 3:: 3] = bad
            return logits

    model = tiny_ar(layout)
    spoken = generate(model, [request(model, 0), request(model, 1, phones=3)], options, Broken)
    assert all(one.finish in ("eos", "cap") for one in spoken)
    assert all(0 <= code < TINY_CODES for one in spoken for code in one.codes)


def test_one_phone_and_no_prompt_are_enough() -> None:
    for layout in LAYOUTS:
        model = tiny_ar(layout)
        spoken = generate(model, [Request(model.ids.prefix("en-us", [1]), [1], [False], 0,
                                          FRAME_RATE)],
                             OPTIONS[0])[0]
        assert spoken.codes


def nar_batch(lengths: list[tuple[int, int, int]], books: int, aligned: bool) -> NARBatch:
    """Random rows of (phones, frames, prompt frames), padded."""
    draw = torch.Generator().manual_seed(3)
    phones, frames, prompts = (torch.tensor(x) for x in zip(*lengths, strict=True))
    rows = len(lengths)
    text = torch.randint(1, TINY_PHONES, (rows, int(phones.max())), generator=draw)
    codes = torch.randint(TINY_CODES, (rows, books, int(frames.max())), generator=draw)
    spoken = torch.randint(1, TINY_PHONES, (rows, int(frames.max())), generator=draw)
    return NARBatch(text, phones, codes, frames, prompts, spoken if aligned else None)


@pytest.mark.parametrize("guidance", [1.0, 1.7])
@pytest.mark.parametrize("aligned", [True, False])
def test_books_of_a_batch_are_those_of_its_rows_alone(aligned: bool, guidance: float) -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 4, TINY_CODES, aligned, size("tiny"))).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    lengths = [(5, 20, 6), (9, 31, 10), (3, 12, 0)]
    batch = nar_batch(lengths, 4, aligned)
    books: list[int] = []
    filled = fill_codebooks(model, batch, guidance, lambda: books.append(1))
    assert len(books) == 3
    for row, (phones, frames, prompt) in enumerate(lengths):
        spoken = batch.frame_phones
        alone = NARBatch(batch.phones[row: row + 1, :phones], batch.n_phones[row: row + 1],
                         batch.codes[row: row + 1, :, :frames], batch.n_frames[row: row + 1],
                         batch.prompt_frames[row: row + 1],
                         None if spoken is None else spoken[row: row + 1, :frames])
        assert torch.equal(fill_codebooks(model, alone, guidance)[0], filled[row, :, :frames])
        assert torch.equal(filled[row, :, :prompt], batch.codes[row, :, :prompt]), "prompt kept"
        assert torch.equal(filled[row, 0], batch.codes[row, 0]), "book 1 kept"


def test_expected_latents_are_means_under_the_models_probabilities() -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 3, TINY_CODES, True, size("tiny"))).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    batch, codebooks = nar_batch([(5, 20, 6), (9, 31, 10)], 3, True), torch.randn(4, TINY_CODES, 5)
    latents, codes = fill_latents(model, batch, codebooks, 1.7), fill_codebooks(model, batch, 1.7)
    assert latents.shape == (2, 5, 31)
    exact = sum(codebooks[book][codes[:, book]] for book in range(3)).transpose(1, 2)
    torch.testing.assert_close(latents[0, :, :6], exact[0, :, :6])
    with torch.inference_mode():
        first = batch, torch.ones(2, dtype=torch.long)
        logits = model(*first)
        logits = logits + 0.7 * (logits - _unconditional(model, *first))
        expected = logits.softmax(2) @ model.codes.weight[TINY_CODES: 2 * TINY_CODES]
        second = replace(batch, expected=expected), torch.full((2,), 2)
        also = model(*second)
        also = also + 0.7 * (also - _unconditional(model, *second))
    mean = (codebooks[0][codes[:, 0]] + logits.softmax(2) @ codebooks[1]
            + also.softmax(2) @ codebooks[2])
    torch.testing.assert_close(latents[1, :, 10:31], mean[1, 10:31].T)
    assert not torch.allclose(latents[1, :, 10:31], exact[1, :, 10:31])
    likeliest = fill_latents(model, batch, codebooks, 1.7, temperature=0.0)
    torch.testing.assert_close(likeliest[1, :, :31], exact[1, :, :31])


@pytest.mark.parametrize("level", [1, 2, 3])
def test_codes_that_are_certain_are_expected(level: int) -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 4, TINY_CODES, True, size("tiny"))).eval()
    batch = nar_batch([(5, 20, 6), (9, 31, 10)], 4, True)
    certain = sum((model.tables[book][batch.codes[:, book]] for book in range(1, level)),
                  model.nothing_expected(batch))
    levels = torch.full((2,), level)
    with torch.inference_mode():
        torch.testing.assert_close(model(replace(batch, expected=certain), levels),
                                   model(batch, levels))


def test_what_a_model_expects_in_training_is_what_it_expects_in_synthesis() -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 4, TINY_CODES, True, size("tiny"))).eval()
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    batch, level = nar_batch([(5, 20, 6), (9, 31, 10)], 4, True), torch.tensor([3, 3])
    with torch.inference_mode():
        expecting = model.expect(batch, level)
        assert expecting.expected is not None
        chances = model(expecting, level).softmax(2)
        mean = (model.tables[0][batch.codes[:, 0]] + expecting.expected
                + chances @ model.tables[3]).transpose(1, 2)
        filled = fill_latents(model, batch, model.tables)
        apart = model.expect(batch, torch.tensor([3, 1]))
    torch.testing.assert_close(filled[0, :, 6:20], mean[0, :, 6:20])
    torch.testing.assert_close(filled[1, :, 10:], mean[1, :, 10:])
    assert apart.expected is not None and not apart.expected[1].any()
    torch.testing.assert_close(apart.expected[0, 6:20], expecting.expected[0, 6:20])


def test_a_text_that_takes_no_frame_fills_nothing() -> None:
    model = NAR(NARConfig(TINY_PHONES, 4, TINY_CODES, True, size("tiny"))).eval()
    batch = nar_batch([(5, 6, 6)], 4, True)
    assert torch.equal(fill_codebooks(model, batch, 1.5), batch.codes)


def test_what_stood_in_the_books_to_fill_does_not_matter() -> None:
    torch.manual_seed(0)
    model = NAR(NARConfig(TINY_PHONES, 4, TINY_CODES, True, size("tiny"))).eval()
    batch = nar_batch([(5, 20, 6)], 4, True)
    wiped = batch.codes.clone()
    wiped[:, 1:, 6:] = 0
    assert torch.equal(fill_codebooks(model, batch),
                       fill_codebooks(model, replace(batch, codes=wiped)))
