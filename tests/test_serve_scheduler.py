"""Many requests, one model: each is spoken as if it were alone, and none harms another."""
from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PROMPT_TEXT, RATE, vowel

from g2p import phonemize
from valle.serve.config import Limits
from valle.serve.scheduler import Scheduler
from valle.serve.ticket import Cancelled, Failed, Late, Overloaded, Stopping
from valle.synthesis.pipeline import Delivery
from valle.synthesis.voice import Prompt
from valle.tts import VALLE

TEXTS = ("A small boat.", "The sea was calm. We went home, slowly.", "Come in! Is it late?",
         "My old house.", "We went home.", "Is it late? The sea was calm.")
LONG = "The sea was calm. We went home, slowly. " * 16


def load(folder: Path, **sampling: Any) -> VALLE:
    """The random model; what it says is never clear, and is drawn once unless a test asks."""
    tts = VALLE.from_pretrained(folder, device="cpu")
    tts.sampling = replace(tts.sampling, **{"retries": 0, **sampling})
    return tts


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return load(model_folder)


@pytest.fixture(scope="module")
def voices(tts: VALLE) -> list[Prompt]:
    return [tts.encode_prompt((vowel(phonemize(PROMPT_TEXT), pitch)[0], RATE), PROMPT_TEXT)
            for pitch in (120.0, 126.0)]


def alone(tts: VALLE, text: str, voice: Prompt, seed: int) -> np.ndarray:
    return np.concatenate([one.samples for one in tts.stream(text, prompt=voice, seed=seed,
                                                             quick=True)])


async def speak(tts: VALLE, scheduler: Scheduler, text: str, voice: Prompt, seed: int = 0,
                ) -> np.ndarray:
    with scheduler.enter() as ticket:
        parts, _, _ = tts.segments([text], "en-us", seed, tts.sampling, quick=True)
        scheduler.speak(ticket, parts, Delivery(voice, "en-us", tts.sampling))
        return np.concatenate([one.samples async for one in ticket.spoken(len(parts))])


def scheduled(tts: VALLE, body: Callable[[Scheduler], Awaitable[Any]], **limits: Any) -> Any:
    """Run a coroutine with a scheduler, which must be empty in the end."""
    async def whole() -> Any:
        with Scheduler(tts.pipeline, tts.sampling, Limits(**limits)) as scheduler:
            result = await body(scheduler)
            await until(lambda: not (scheduler.tickets or scheduler.decoding or scheduler.sounding))
            return result
    return asyncio.run(asyncio.wait_for(whole(), 600))


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not come true"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("width", [2, 8])
def test_each_of_many_requests_sounds_as_it_does_alone(width: int, tts: VALLE,
                                                       voices: list[Prompt]) -> None:
    async def body(scheduler: Scheduler) -> list[np.ndarray]:
        return await asyncio.gather(*(speak(tts, scheduler, text, voices[seed % 2], seed)
                                      for seed, text in enumerate(TEXTS)))

    for seed, heard in enumerate(scheduled(tts, body, width=width)):
        assert np.array_equal(heard, alone(tts, TEXTS[seed], voices[seed % 2], seed))


def test_several_candidates_are_drawn_and_judged_as_alone(tts: VALLE, voices: list[Prompt],
                                                          model_folder: Path) -> None:
    choosy = load(model_folder, best_of=3, retries=1)

    async def body(scheduler: Scheduler) -> list[np.ndarray]:
        return await asyncio.gather(*(speak(choosy, scheduler, text, voices[0], 3)
                                      for text in TEXTS[:2]))

    for text, heard in zip(TEXTS, scheduled(choosy, body, width=2), strict=False):
        assert np.array_equal(heard, alone(choosy, text, voices[0], 3))


def test_a_short_text_does_not_wait_for_a_long_one(tts: VALLE, voices: list[Prompt]) -> None:
    async def body(scheduler: Scheduler) -> None:
        long = asyncio.create_task(speak(tts, scheduler, LONG, voices[0]))
        await until(lambda: scheduler.decoding)
        await speak(tts, scheduler, TEXTS[0], voices[1])
        assert not long.done()
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)

    scheduled(tts, body, width=1)


def test_one_request_too_many_is_refused_at_once_and_later_taken(tts: VALLE,
                                                                 voices: list[Prompt]) -> None:
    async def body(scheduler: Scheduler) -> None:
        first = asyncio.create_task(speak(tts, scheduler, TEXTS[0], voices[0]))
        await until(lambda: scheduler.tickets)
        started = time.monotonic()
        with pytest.raises(Overloaded, match="try again in") as refused:
            scheduler.enter()
        assert time.monotonic() - started < 0.05 and 1 <= refused.value.seconds <= 60
        await first
        assert len(await speak(tts, scheduler, TEXTS[0], voices[0]))

    scheduled(tts, body, max_requests=1)


def test_who_leaves_frees_the_work_and_changes_nothing_for_the_others(
        tts: VALLE, voices: list[Prompt]) -> None:
    async def leave(scheduler: Scheduler) -> None:
        with scheduler.enter() as ticket:
            parts, _, _ = tts.segments([LONG], "en-us", 0, tts.sampling)
            scheduler.speak(ticket, parts, Delivery(voices[0], "en-us", tts.sampling))
            await until(lambda: any(job.task.ticket is ticket for job in scheduler.decoding))
            ticket.cancel()
            with pytest.raises(Cancelled):
                _ = [one async for one in ticket.spoken(len(parts))]
            await until(lambda: not any(
                job.task.ticket is ticket
                for job in (*scheduler.decoding, *scheduler.sounding)), 1.0)

    async def body(scheduler: Scheduler) -> list[Any]:
        return await asyncio.gather(speak(tts, scheduler, TEXTS[1], voices[0], 1),
                                    leave(scheduler), leave(scheduler))

    heard, *_ = scheduled(tts, body)
    assert np.array_equal(heard, alone(tts, TEXTS[1], voices[0], 1))


def test_a_reader_who_does_not_read_is_not_spoken_to_without_end(tts: VALLE,
                                                                 voices: list[Prompt]) -> None:
    async def body(scheduler: Scheduler) -> None:
        with scheduler.enter() as ticket:
            parts, _, _ = tts.segments([LONG], "en-us", 0, tts.sampling)
            assert len(parts) > 4
            scheduler.speak(ticket, parts, Delivery(voices[0], "en-us", tts.sampling))
            await until(lambda: ticket.given == 2)
            await asyncio.sleep(0.3)
            assert ticket.begun == ticket.given == 2
            heard = [one async for one in ticket.spoken(len(parts))]
            assert [one.segment for one in heard] == parts

    scheduled(tts, body, ahead=2)


def test_one_at_fault_fails_alone(tts: VALLE, voices: list[Prompt]) -> None:
    """Its codes do not exist: the model's tables have no such row."""
    at_fault = replace(voices[0], codes=voices[0].codes + 100_000)

    async def body(scheduler: Scheduler) -> list[Any]:
        found = await asyncio.gather(
            *(speak(tts, scheduler, text, voices[0], seed) for seed, text in enumerate(TEXTS[:3])),
            speak(tts, scheduler, TEXTS[0], at_fault),
            *(speak(tts, scheduler, text, voices[1], 9) for text in TEXTS[:2]),
            return_exceptions=True)
        assert scheduler.restarts == 2 and scheduler.alive
        return found

    *good, failed, fourth, fifth = scheduled(tts, body)
    assert isinstance(failed, Failed)
    for seed, heard in enumerate(good):
        assert np.array_equal(heard, alone(tts, TEXTS[seed], voices[0], seed))
    for text, heard in zip(TEXTS, (fourth, fifth), strict=False):
        assert np.array_equal(heard, alone(tts, text, voices[1], 9))


@pytest.mark.parametrize("where", ["decoder", "complete"])
def test_a_worker_that_dies_once_is_noticed_by_nobody(where: str, model_folder: Path,
                                                      voices: list[Prompt]) -> None:
    tts = load(model_folder)
    whole, deaths = getattr(tts.pipeline, where), []

    def dying(*arguments: Any) -> Any:
        if not deaths:
            deaths.append("once")
            raise MemoryError("as a full machine")
        return whole(*arguments)

    expected = [alone(tts, text, voices[0], 5) for text in TEXTS[:3]]
    setattr(tts.pipeline, where, dying)

    async def body(scheduler: Scheduler) -> list[np.ndarray]:
        found = await asyncio.gather(*(speak(tts, scheduler, text, voices[0], 5)
                                       for text in TEXTS[:3]))
        assert scheduler.restarts == 1
        return found

    for heard, wanted in zip(scheduled(tts, body), expected, strict=True):
        assert np.array_equal(heard, wanted)


def test_a_segment_that_does_not_come_is_said_to_be_late(tts: VALLE, voices: list[Prompt]) -> None:
    async def body(scheduler: Scheduler) -> None:
        with pytest.raises(Late, match=r"within 0\.001 s"):
            await speak(tts, scheduler, LONG, voices[0])

    scheduled(tts, body, patience=0.001)


def test_when_it_stops_who_waits_is_told_and_nobody_is_let_in(tts: VALLE,
                                                              voices: list[Prompt]) -> None:
    async def body() -> None:
        with Scheduler(tts.pipeline, tts.sampling, Limits()) as scheduler:
            waiting = asyncio.create_task(speak(tts, scheduler, LONG, voices[0]))
            await until(lambda: scheduler.decoding)
        with pytest.raises(Stopping):
            await waiting
        with pytest.raises(Stopping):
            scheduler.enter()
        assert not any(thread.is_alive() for thread in scheduler.threads)

    asyncio.run(body())


@pytest.mark.slow
def test_the_starter_speaks_side_by_side_as_alone() -> None:
    """The real engine, in C with bytes, and rows of very different lengths."""
    tts = VALLE.from_pretrained("starter", device="cpu")
    examples = Path(__file__).parents[1] / "examples"
    asked = [("Good morning.", "clara", 1), ("We went home, slowly, by the sea.", "bass", 2),
             ("Yes.", "miles", 3)]
    voices = {name: tts.encode_prompt(examples / f"{name}.wav",
                                      (examples / f"{name}.txt").read_text())
              for _, name, _ in asked}

    async def body(scheduler: Scheduler) -> list[np.ndarray]:
        return await asyncio.gather(*(speak(tts, scheduler, text, voices[name], seed)
                                      for text, name, seed in asked))

    for (text, name, seed), heard in zip(asked, scheduled(tts, body, patience=600), strict=True):
        assert np.array_equal(heard, alone(tts, text, voices[name], seed))
