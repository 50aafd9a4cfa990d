"""Batches: every utterance once, in budget, with its own speaker."""
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from valle.data.batching import batches, concatenate
from valle.data.held_out import crc, hold_out, read_patterns, split_speakers
from valle.data.manifest import Index, Utterance


def invent(count: int, speakers: int = 5) -> list[Utterance]:
    rng = np.random.default_rng(1)
    found = []
    for i in range(count):
        frames = int(rng.integers(75, 600))
        found.append(Utterance(f"u{i}", "", f"p{i % speakers}", "en-us", "", [" ", "a", "."],
                               frames / 75, 0.0, frames / 75, frames, durations=[0, frames, 0]))
    return found


def test_every_utterance_once_with_its_own_speaker_and_in_budget() -> None:
    index = Index.of(utterances := invent(200))
    rows, lengths = np.arange(200), index.phones + index.frames
    options = {"tokens_per_batch": 4000, "seed": 3, "max_seconds": 15.0, "max_concat": 3}
    epoch = list(batches(index, rows, lengths, epoch=0, **options))
    samples = [sample for batch in epoch for sample in batch]
    assert Counter(row for sample in samples for row in sample) == Counter(rows.tolist())
    assert {len(sample) for sample in samples} == {1, 2, 3}
    for sample in samples:
        assert len({utterances[row].speaker for row in sample}) == 1
        assert len(sample) == 1 or sum(utterances[row].seconds for row in sample) <= 15.0
    used = total = 0
    for batch in epoch:
        sizes = [sum(3 + utterances[row].frames for row in sample) for sample in batch]
        assert max(sizes) * len(sizes) <= 4000
        used, total = used + sum(sizes), total + max(sizes) * len(sizes)
    assert used / total > 0.85  # little padding, though there are few to choose from
    assert epoch == list(batches(index, rows, lengths, epoch=0, **options))
    assert epoch != list(batches(index, rows, lengths, epoch=1, **options))


def test_a_large_corpus_is_padded_by_two_per_cent_at_most() -> None:
    index = Index.of(invent(20_000))
    lengths = index.phones + index.frames
    epoch = batches(index, np.arange(20_000), lengths, tokens_per_batch=8000, seed=0, epoch=0)
    sizes = [[int(lengths[sample].sum()) for sample in batch] for batch in epoch]
    assert sum(map(sum, sizes)) > 0.98 * sum(max(batch) * len(batch) for batch in sizes)


def test_some_rows_alone_and_one_utterance_per_sample_when_asked() -> None:
    rows = np.array([3, 5, 7, 11])
    found = concatenate(Index.of(invent(20)), rows, seed=0, epoch=0, max_concat=1)
    assert sorted(found) == [[row] for row in rows.tolist()]
    assert found[-1] == found[3] and found[1:3] == [found[1], found[2]]
    nothing = Index.of([])
    assert not len(concatenate(nothing, rows[:0], seed=0, epoch=0))
    assert not len(batches(nothing, rows[:0], nothing.frames, tokens_per_batch=9, seed=0, epoch=0))


def test_batches_refuse_what_cannot_be_trained_on() -> None:
    utterances = invent(4)
    index = Index.of([*utterances, replace(utterances[0], id="x", phones=None, durations=None)])
    lengths = index.phones + index.frames
    with pytest.raises(ValueError, match="raise --tokens-per-batch"):
        batches(index, np.arange(4), lengths, tokens_per_batch=50, seed=0, epoch=0)
    with pytest.raises(ValueError, match="have no text"):
        batches(index, np.arange(5), lengths, tokens_per_batch=9999, seed=0, epoch=0)


def test_held_out_speakers_are_kept_apart() -> None:
    train, held = split_speakers(invent(20), ["p1", "p[34]"])
    assert {u.speaker for u in train} == {"p0", "p2"} and {u.speaker for u in held} == {
        "p1", "p3", "p4"}


def test_without_names_a_few_clips_are_held_out_and_stay_the_same(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for speakers, said in ((1, "the one speaker there is"), (5, "speakers that are trained on")):
        utterances = invent(100, speakers)
        ids, names = [crc(u.id) for u in utterances], [(u.speaker,) for u in utterances]
        held = hold_out(names, ids, [])
        assert held.sum() == 5 and said in capsys.readouterr().err
        assert (held == hold_out(names, ids, [])).all()
        grown = hold_out(names + names[:3], [*ids, crc("new"), crc("newer"), crc("newest")], [])
        assert (grown[:100] & held).sum() >= 3
    assert hold_out([("a",)], [1], []).sum() == 0, "the only clip is trained on"
    assert hold_out([("a",)] * 2, [1, 2], []).sum() == 1


def test_names_may_be_patterns_in_any_form_and_must_name_someone(tmp_path: Path) -> None:
    names = [("jose\u0301",), ("anna",), ("ben",)]
    assert hold_out(names, [1, 2, 3], ["jos\u00e9"]).tolist() == [True, False, False]
    assert hold_out(names, [1, 2, 3], ["[ab]*"]).tolist() == [False, True, True]
    with pytest.raises(ValueError, match="no speaker is called so; there are anna, ben"):
        hold_out(names, [1, 2, 3], ["carla"])
    (tmp_path / "names").write_text("one two\nthree")
    assert read_patterns([f"@{tmp_path}/names", "four"]) == ["one", "two", "three", "four"]
