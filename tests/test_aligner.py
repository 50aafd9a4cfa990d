"""Alignment: Viterbi against every path there is, the aligner's loss by hand, save and load."""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PROMPT_TEXT, taught_aligner, vowel

from codec import CodecSpec
from codec.mel import log_mel
from g2p import BOUNDARIES, Vocabulary, phonemize
from valle.model.aligner import Aligner, AlignerConfig, diagonal_prior, pause_prior, spread, viterbi


def all_durations(frames: int, optional: list[bool]) -> Iterator[tuple[int, ...]]:
    """Every way to share out the frames; only optional phones may have none."""
    if not optional:
        if frames == 0:
            yield ()
        return
    for first in range(0 if optional[0] else 1, frames + 1):
        for rest in all_durations(frames - first, optional[1:]):
            yield (first, *rest)


def value(scores: np.ndarray, durations: tuple[int, ...]) -> float:
    path = np.repeat(np.arange(len(durations)), durations)
    return float(scores[np.arange(len(path)), path].sum())


OPTIONAL = ([False, False, False], [True, False, True], [True, False, False, True],
            [False, True, False, True, False], [True, False, True, False, True], [False], [True],
            [False, True], [True, False])


@pytest.mark.parametrize("optional", OPTIONAL, ids=lambda o: "".join("-x"[not x] for x in o))
@pytest.mark.parametrize("frames", [1, 2, 3, 5, 8])
def test_viterbi_finds_the_best_of_all_paths(optional: list[bool], frames: int) -> None:
    for seed in range(8):
        scores = np.random.default_rng(seed).normal(0, 2, (frames, len(optional)))
        paths = list(all_durations(frames, optional))
        if not paths:
            with pytest.raises(ValueError, match="does not belong to this audio"):
                viterbi(scores, optional)
            continue
        found = viterbi(scores, optional)
        assert tuple(found) in paths
        assert value(scores, tuple(found)) == pytest.approx(
            max(value(scores, path) for path in paths))


def test_viterbi_with_no_frame_to_spare() -> None:
    optional = [True, False, False, True, False, True]
    assert viterbi(np.zeros((3, 6)), optional) == [0, 1, 1, 0, 1, 0]
    with pytest.raises(ValueError, match="3 phones do not fit 2 frames"):
        viterbi(np.zeros((2, 6)), optional)


PHONES = [" ", "b", "ˈa", " ", "k", "."]


@pytest.fixture
def aligner() -> Aligner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vocabulary = Vocabulary.build([PHONES])
        model = Aligner(AlignerConfig(len(vocabulary), width=16, blocks=1), vocabulary)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(2)
    return model


def test_every_boundary_is_one_class(aligner: Aligner) -> None:
    labels = aligner.labels(PHONES)
    assert labels[0] == labels[3] == labels[5] == aligner.vocabulary.encode([" "])[0]
    assert aligner.labels(BOUNDARIES) == [labels[0]] * len(BOUNDARIES)
    assert len(set(labels)) == 4


def test_loss_is_cross_entropy_on_known_frames(aligner: Aligner) -> None:
    """Frames without truth, and those beyond a row's end, carry -1 and must not enter the loss."""
    mel = torch.randn(2, 80, 6)
    truth = torch.tensor([[1, 1, 2, 2, 3, 3], [2, 2, 1, -1, -1, -1]])
    loss = float(aligner.loss(mel, torch.tensor([6, 3]), truth).detach())
    log_probs = aligner(mel, torch.tensor([6, 3])).detach()
    known = [float(log_probs[b, t, truth[b, t]]) for b in range(2) for t in range(6)
             if truth[b, t] >= 0]
    assert loss == pytest.approx(-sum(known) / 9, rel=1e-4)


def test_padding_does_not_change_the_scores(aligner: Aligner) -> None:
    """But for the last five frames, which the convolutions see beside it."""
    mel = torch.randn(1, 80, 20) - 4
    padded = torch.nn.functional.pad(mel, (0, 15), value=3.0)
    torch.testing.assert_close(aligner(padded, torch.tensor([20]))[:, :15],
                               aligner(mel)[:, :15], atol=1e-5, rtol=1e-4)


def test_best_paths_follow_the_phones_in_order_near_the_diagonal(aligner: Aligner) -> None:
    mel, frames = torch.randn(2, 80, 60), torch.tensor([60, 40])
    for path, n in zip(aligner.best_paths(mel, frames, [PHONES, PHONES]), (60, 40), strict=True):
        assert len(path) == n
        order = [label for label, _ in itertools.groupby(path)]
        spoken = [p for p in order if p != aligner.labels([" "])[0]]
        assert spoken == aligner.labels([p for p in PHONES if p not in BOUNDARIES])


def test_a_loud_pause_is_unlikely_and_a_quiet_one_free() -> None:
    mel = np.zeros((80, 10), np.float32)
    mel[:, 5:] = -8
    prior = pause_prior(mel, [True, False])
    assert (prior[:, 1] == 0).all() and (prior[5:, 0] == 0).all() and (prior[:5, 0] < -5).all()


def test_diagonal_prior_is_highest_where_a_phone_is_expected() -> None:
    prior = diagonal_prior(100, [True, False, False, True, False, False])
    assert prior[:, [1, 2, 4, 5]].argmax(axis=0).tolist() == [12, 37, 62, 87]


def test_spread_gives_phones_two_frames_where_they_fit() -> None:
    optional = [True, False, True, False]
    scores = np.zeros((10, 4))
    scores[:, 0] = 5.0  # the pause would take all it can
    assert spread(scores, optional) == [6, 2, 0, 2]
    assert spread(scores[:3], optional) == viterbi(scores[:3], optional)


@pytest.mark.parametrize("size", [320 * 12, 320 * 12 + 1, 320 * 13 - 1, 24_000])
def test_durations_add_up_to_the_frames_of_the_codec(aligner: Aligner, size: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, size).astype(np.float32)
    durations = aligner.eval().durations(samples, PHONES)
    assert sum(durations) == -(-size // 320) == log_mel(torch.from_numpy(samples)[None]).shape[2]
    assert all(d >= 1 or p in BOUNDARIES for d, p in zip(durations, PHONES, strict=True))


@pytest.mark.parametrize("size", [640 * 12, 640 * 12 + 1, 640 * 13 - 1, 24_000])
def test_frames_of_a_slower_codec_are_pairs_of_its_own(aligner: Aligner, size: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, size).astype(np.float32)
    fine = np.cumsum(aligner.eval().durations(samples, PHONES))
    aligner.config = dataclasses.replace(aligner.config, stack=2)
    durations = aligner.durations(samples, PHONES)
    assert sum(durations) == -(-size // 640)
    assert np.abs(2 * np.cumsum(durations) - fine).max() <= 2
    assert all(d >= 1 or p in BOUNDARIES for d, p in zip(durations, PHONES, strict=True))
    aligner.check_spec(CodecSpec(hop=640))
    with pytest.raises(ValueError, match="times 37.5 frames/s .* has 75"):
        aligner.check_spec(CodecSpec())


@pytest.mark.parametrize(("spec", "hop", "stack"), [
    (CodecSpec(), 320, 1), (CodecSpec(hop=640), 320, 2), (CodecSpec(hop=480), 240, 2),
    (CodecSpec(16_000, 400), 200, 2), (CodecSpec(hop=682), 682, 1)])
def test_it_times_frames_that_are_short_enough_for_phones(spec: CodecSpec, hop: int, stack: int,
                                                          ) -> None:
    config = AlignerConfig.of(spec, 20)
    assert (config.mel.hop, config.stack) == (hop, stack)


def test_too_many_phones_are_refused(aligner: Aligner) -> None:
    with pytest.raises(ValueError, match="3 phones do not fit 2 frames"):
        aligner.durations(np.zeros(640, np.float32), PHONES)


def test_score_prefers_the_durations_it_found(aligner: Aligner) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 320 * 20).astype(np.float32)
    durations = aligner.eval().durations(samples, PHONES)
    best = aligner.score(samples, PHONES, durations)
    for other in ([3, 3, 4, 3, 4, 3], [0, 1, 1, 0, 18, 0], [0, 9, 9, 0, 2, 0]):
        assert aligner.score(samples, PHONES, other) <= best + 1e-6


def test_save_and_load(aligner: Aligner, tmp_path: Path) -> None:
    aligner.save(tmp_path)
    loaded = Aligner.load(tmp_path)
    assert loaded.config == aligner.config and not loaded.training
    assert loaded.vocabulary.phones == aligner.vocabulary.phones
    mel = torch.randn(1, 80, 30)
    torch.testing.assert_close(loaded(mel), aligner.eval()(mel).detach(), atol=0.1, rtol=0.05)
    loaded.save(tmp_path / "again")
    for name in ("model.json", "aligner.safetensors"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_it_learns_the_timings_of_clear_speech() -> None:
    """Trained by the teacher's timings of one voice, it finds those of another within a frame."""
    phones = phonemize(PROMPT_TEXT)
    model = taught_aligner(Vocabulary.build([phones]))
    _, ends = vowel(phones, 120.0)
    edges = np.round(np.array(ends) * 75).astype(int)
    other, _ = vowel(phones, 150.0)
    found = np.cumsum(model.durations(other, phones))
    assert np.median(np.abs(found - edges)) <= 1
    assert np.abs(found - edges).max() <= 12
