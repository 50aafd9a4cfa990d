"""The sampler against brute force."""
from __future__ import annotations

import argparse
import itertools
from dataclasses import asdict

import pytest
import torch

from valle.commands.voice_options import add_voice_arguments
from valle.synthesis.sampling import SamplingOptions, draw, generators, sample, truncate, uniforms

SIZE = 12


def logits_of(seed: int, rows: int = 1, spread: float = 2.0) -> torch.Tensor:
    return torch.randn(rows, SIZE, generator=torch.Generator().manual_seed(seed)) * spread


def kept(logits: torch.Tensor) -> set[int]:
    return set(torch.isfinite(logits).nonzero()[:, 0].tolist())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 2, 5, SIZE - 1, SIZE, SIZE + 3])
def test_top_k_keeps_the_k_likeliest(seed: int, k: int) -> None:
    row = logits_of(seed)[0]
    likeliest = sorted(range(SIZE), key=lambda i: -float(row[i]))[:k]
    out = truncate(row[None], k, 1.0)[0]
    assert kept(out) == set(likeliest)
    assert all(out[i] == row[i] for i in likeliest)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("p", [1e-6, 0.1, 0.35, 0.5, 0.8, 0.95, 0.999])
def test_top_p_is_the_smallest_set_that_reaches_p(seed: int, p: float) -> None:
    row = logits_of(seed)[0]
    chances = row.softmax(0)
    found = kept(truncate(row[None], 0, p)[0])
    assert float(chances[list(found)].sum()) >= p
    smaller = max(float(chances[list(s)].sum())
                  for s in itertools.combinations(range(SIZE), len(found) - 1))
    assert smaller < p, "no smaller set reaches p"


def test_top_p_works_within_top_k() -> None:
    row = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
    assert kept(truncate(row, 2, 1.0)[0]) == {0, 1}
    assert kept(truncate(row, 2, 0.57)[0]) == {0}, "0.4 / 0.7 > 0.57"
    assert kept(truncate(row, 2, 0.58)[0]) == {0, 1}


def test_truncation_of_a_batch_is_that_of_its_rows_and_leaves_the_input_alone() -> None:
    logits = logits_of(0, rows=5)
    before = logits.clone()
    together = truncate(logits, 6, 0.8)
    assert torch.equal(together, torch.cat([truncate(row[None], 6, 0.8) for row in logits]))
    assert torch.equal(logits, before)


def inverse_cdf(row: torch.Tensor, u: float) -> int:
    """By hand: the first token whose cumulative probability exceeds u."""
    total = 0.0
    for index, chance in enumerate(row.double().softmax(0).tolist()):
        total += chance
        if u < total:
            return index
    return len(row) - 1


@pytest.mark.parametrize("seed", range(3))
def test_draw_inverts_the_distribution_function(seed: int) -> None:
    row = logits_of(seed)
    for u in torch.linspace(0, 0.9999, 301, dtype=torch.float64):
        assert int(draw(row, u[None])) == inverse_cdf(row[0], float(u))


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2 ** -53])
def test_a_forbidden_token_is_never_drawn(u: float) -> None:
    row = torch.full((1, SIZE), -torch.inf)
    row[0, 4] = row[0, 7] = 1.0
    assert int(draw(row, torch.tensor([u], dtype=torch.float64))) in (4, 7)


def test_frequencies_are_the_probabilities() -> None:
    row = logits_of(1, spread=1.0)
    rngs = generators(list(range(4000)))
    options = SamplingOptions(temperature=1.0, top_p=1.0, ras_threshold=1.0)
    tokens = sample(row.expand(4000, -1), torch.full((4000, 1), -1), options, rngs)
    share = torch.bincount(tokens, minlength=SIZE) / 4000
    assert float((share - row[0].softmax(0)).abs().max()) < 0.03


def test_temperature_sharpens_and_flattens() -> None:
    row = logits_of(2)
    none = torch.full((1, 1), -1)
    for temperature in (0.5, 1.0, 2.0):
        options = SamplingOptions(temperature, top_p=1.0)
        for seed in range(20):
            u = float(uniforms(generators([seed])))
            assert int(sample(row, none, options, generators([seed]))) == inverse_cdf(
                row[0] / temperature, u)


def test_temperature_zero_is_greedy() -> None:
    logits = logits_of(3, rows=6)
    history = logits.argmax(1)[:, None].expand(-1, 10)  # RAS does not apply
    tokens = sample(logits, history, SamplingOptions(temperature=0), generators([0] * 6))
    assert torch.equal(tokens, logits.argmax(1))


def test_rows_have_their_own_generators() -> None:
    logits, history = logits_of(4, rows=7), torch.randint(SIZE, (7, 10))
    options = SamplingOptions(temperature=1.3, top_k=9, top_p=0.9)
    together, alone = generators(list(range(7))), [generators([s]) for s in range(7)]
    for _ in range(5):
        batch = sample(logits, history, options, together)
        singles = [sample(logits[i: i + 1], history[i: i + 1], options, alone[i])
                   for i in range(7)]
        assert torch.equal(batch, torch.cat(singles))


@pytest.mark.parametrize("repeats, again", [(0, False), (1, False), (2, True), (10, True)])
def test_a_repeated_token_is_drawn_again_from_everything(repeats: int, again: bool) -> None:
    """Algorithm 1 of VALL-E 2 with K = 10, t_r = 0.1: above one in ten."""
    row = torch.zeros(1, SIZE)
    row[0, 3] = 1.0  # top_k 1 always draws it first, the full distribution seldom does
    history = torch.tensor([[3] * repeats + [5] * (10 - repeats)])
    options = SamplingOptions(top_k=1)
    for seed in range(30):
        rng = generators([seed])
        first, second = uniforms(rng), uniforms(rng)
        token = int(sample(row, history, options, generators([seed])))
        assert int(draw(truncate(row, 1, 0.9), first)) == 3
        assert token == (inverse_cdf(row[0], float(second)) if again else 3)


def test_only_the_window_counts() -> None:
    row = torch.zeros(1, SIZE)
    row[0, 3] = 1.0
    old = torch.tensor([[3] * 20 + [5] * 4])
    options = SamplingOptions(top_k=1, ras_window=4)
    assert all(int(sample(row, old, options, generators([s]))) == 3 for s in range(20))
    short = torch.tensor([[-1, -1, 3]])  # one of a window of four, though three are known
    assert all(int(sample(row, short, SamplingOptions(top_k=1, ras_window=4, ras_threshold=0.25),
                          generators([s]))) == 3 for s in range(20))


def test_every_row_takes_as_many_numbers_whether_it_repeats_or_not() -> None:
    """Else the draws of a row would depend on its own past in ways a seed cannot repeat."""
    row, rngs = logits_of(0, rows=2), generators([7, 7])
    sample(row, torch.tensor([[1] * 10, [-1] * 10]), SamplingOptions(), rngs)
    assert torch.equal(rngs[0].get_state(), rngs[1].get_state())


@pytest.mark.parametrize("values, flag", [
    ({"temperature": -0.1}, "temperature"), ({"temperature": float("nan")}, "temperature"),
    ({"temperature": float("inf")}, "temperature inf: must be 0 to 10"),
    ({"temperature": "warm"}, "temperature 'warm': must be a number"),
    ({"temperature": None}, "temperature None"), ({"temperature": True}, "temperature True"),
    ({"top_k": -1}, "top_k"), ({"top_k": 1.5}, "top_k 1.5: must be a whole number"),
    ({"top_p": 0.0}, "top_p"), ({"top_p": 1.5}, "top_p"),
    ({"top_p": float("nan")}, "top_p"), ({"ras_window": 0}, "ras_window"),
    ({"ras_threshold": 1.5}, "ras_threshold"),
    ({"guidance": 0.5}, "guidance"), ({"nar_guidance": float("inf")}, "nar_guidance"),
    ({"pause": -1}, "pause"), ({"pause": float("inf")}, "pause"),
    ({"best_of": 0}, "best_of 0: must be 1 to 16"), ({"best_of": 17}, "best_of"),
    ({"retries": -1}, "retries"), ({"retries": 17}, "retries 17: must be 0 to 16")])
def test_impossible_options_are_refused(values: dict[str, float], flag: str) -> None:
    with pytest.raises(ValueError, match=flag):
        SamplingOptions(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 2 ** 63, 10 ** 30])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    once, again = (float(uniforms(generators([seed]))) for _ in range(2))
    assert once == again


def test_flags_and_library_have_the_same_defaults() -> None:
    parser = argparse.ArgumentParser()
    add_voice_arguments(parser)
    flags, library = vars(parser.parse_args([])), asdict(SamplingOptions())
    assert {flags[name] for name in library} == {None}, "the model's"
    told = " ".join(parser.format_help().split())
    for name, usual in library.items():
        assert f"--{name.replace('_', '-')}" in told and (not usual or f"default {usual}" in told)
