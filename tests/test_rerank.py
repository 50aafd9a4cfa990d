"""Reranking: scores that know right from wrong, and the candidate that they choose."""
from __future__ import annotations

import json
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import PROMPT_TEXT, RATE

from codec import load_audio
from codec.parts import load_part, save_part
from g2p import phonemize
from valle import VALLE
from valle.recognizer.model import Recognizer, RecognizerConfig, filterbanks
from valle.recognizer.phones import NEVER, PhoneListener
from valle.speaker.encoder import TrainedEncoder
from valle.synthesis.candidate import Candidate, best, is_fluent
from valle.synthesis.decode import Generated
from valle.synthesis.hearing import SCORERS, scorer_folder
from valle.synthesis.join import BEGINNING_SECONDS, SILENT_SECONDS, finished, join
from valle.synthesis.options import SamplingOptions
from valle.synthesis.pipeline import Delivery
from valle.synthesis.rerank import SIMILAR, UNCLEAR, Reranker, Score
from valle.synthesis.segment import Segment
from valle.synthesis.voice import Prompt

EXAMPLES = Path(__file__).parents[1] / "examples"
VOICES = ("alto", "tenor", "bass")


@pytest.fixture(scope="module")
def reranker() -> Reranker:
    return Reranker.load()


def example(name: str) -> tuple[np.ndarray, list[str]]:
    return (load_audio(EXAMPLES / f"{name}.wav"),
            phonemize((EXAMPLES / f"{name}.txt").read_text()))


@pytest.mark.parametrize("name", VOICES)
def test_the_right_text_is_likelier_than_another_and_than_half_of_it(name: str,
                                                                    reranker: Reranker) -> None:
    samples, phones = example(name)
    voice = reranker.voice(samples, RATE)
    right = reranker.score(samples, RATE, phones, voice).words
    others = [reranker.score(samples, RATE, example(v)[1], voice).words
              for v in VOICES if v != name]
    assert right > max(others) + 1
    half = reranker.score(samples[: len(samples) // 2], RATE, phones, voice).words
    turned = phones[len(phones) // 2:] + phones[: len(phones) // 2]
    swapped = reranker.score(samples, RATE, turned, voice)
    assert right > half + 1 and right > swapped.words + 1


def test_the_right_voice_is_nearer(reranker: Reranker) -> None:
    heard = {name: example(name)[0] for name in VOICES}
    voices = {name: reranker.voice(w[: len(w) // 2], RATE) for name, w in heard.items()}
    for name, samples in heard.items():
        rest = samples[len(samples) // 2:]
        near = {v: reranker.score(rest, RATE, ["a"], voices[v]).voice for v in VOICES}
        assert max(near, key=near.__getitem__) == name and near[name] > SIMILAR


def test_a_voice_near_enough_is_judged_by_its_words() -> None:
    right, clear, near = Score(-1.0, 0.35), Score(-0.5, 0.1), Score(-2.5, 0.9)
    assert sorted([right, clear, near], key=lambda s: s.rank) == [clear, near, right]


def test_unclear_words_lose_to_any_others() -> None:
    worse, bad, far = (Score(UNCLEAR - 2, 0.9), Score(UNCLEAR - 1, 0.5),
                       Score(UNCLEAR + 0.1, 0.0))
    assert sorted([far, worse, bad], key=lambda s: s.rank) == [worse, bad, far]


def test_of_clear_words_the_nearest_voice_is_taken() -> None:
    clearest, nearest, unclear = Score(-1.8, 0.5), Score(-2.1, 0.6), Score(-2.4, 0.7)
    assert max([clearest, nearest, unclear], key=lambda s: s.rank) == nearest


def best_path(log_probs: torch.Tensor, labels: list[int]) -> float:
    """Mean over labels of the best frame of each, on the best of all paths [T, C]."""
    frames = len(log_probs)
    best, means = -float("inf"), 0.0
    for cuts in combinations_with_replacement(range(frames + 1), 2 * len(labels)):
        spans = list(zip(cuts[0::2], cuts[1::2], strict=True))  # begin and end of each label
        if any(start == end for start, end in spans):
            continue
        states = [0] * frames
        for (start, end), label in zip(spans, labels, strict=True):
            states[start:end] = [label] * (end - start)
        total = float(log_probs[range(frames), states].sum())
        if total > best:
            best = total
            means = float(np.mean([log_probs[start:end, label].max() for (start, end), label
                                   in zip(spans, labels, strict=True)]))
    return means


@pytest.mark.parametrize("name", VOICES)
def test_one_missing_word_is_heard(name: str, reranker: Reranker) -> None:
    """The whole text is nearly all there; the stretch around the gap is not."""
    samples, phones = example(name)
    gone = samples.copy()
    middle = len(gone) // 2
    gone[middle - 6000: middle + 6000] = 1e-4 * np.random.default_rng(0).standard_normal(12_000)
    assert reranker.words(gone, RATE, phones) < reranker.words(samples, RATE, phones) - 1


def test_a_candidate_is_fluent_without_silences_that_no_mark_explains() -> None:
    rng = np.random.default_rng(0)
    speech, rest = (level * rng.standard_normal(24_000) for level in (0.1, 1e-4))
    halting = np.concatenate([speech, rest, rest, speech])
    plain, marked = phonemize("one two."), phonemize("one, two.")
    ended = Generated((1,), finish="eos")
    assert is_fluent(ended, np.concatenate([speech, speech]), plain, 24_000)
    assert not is_fluent(ended, halting, plain, 24_000)
    assert is_fluent(ended, halting, marked, 24_000)
    assert not is_fluent(Generated((1,)), speech, marked, 24_000), "it was cut off"
    candidates = (Candidate(ended, halting, None, False, Score(-1.0, 0.9)),
                  Candidate(ended, speech, None, True, Score(-5.0, 0.1)))
    assert best(candidates) is candidates[1]


def test_silence_at_the_ends_of_segments_is_short() -> None:
    """Two segments, each with a second of silence at both ends; a frame has 320 samples."""
    rng = np.random.default_rng(0)
    speech, rest = (level * rng.standard_normal(24_000).astype(np.float32) for level in (0.1, 1e-4))
    one = Candidate(Generated((0,) * 225, (75,) * 3, "eos"), np.concatenate([rest, speech, rest]))
    audio = join([finished(Segment((" ", "a", "."), 0, 0, first), one, 24_000, 320)
                  for first in (True, False)], 24_000, {})
    lasting = [SILENT_SECONDS, 1, SILENT_SECONDS, BEGINNING_SECONDS, 1, SILENT_SECONDS]
    assert len(audio.samples) == pytest.approx(sum(lasting) * 24_000, abs=960)
    assert [end - start for _, start, end in audio.phones] == pytest.approx(lasting, abs=0.03)


def test_a_continuation_begins_as_its_prompt_does() -> None:
    """The first second, silent, is the prompt; then a second of speech and one of silence."""
    rest = np.zeros(24_000, np.float32)
    speech = np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    one = Candidate(Generated((0,) * 150, (75, 75), "eos"), np.concatenate([speech, rest]), rest)
    audio = join([finished(Segment(("a", "."), 0), one, 24_000, 320)], 24_000, {})
    assert len(audio.samples) == pytest.approx((2 + SILENT_SECONDS) * 24_000, abs=960)
    assert audio.phones[0] == ("a", 1.0, 2.0)


def test_a_listener_hears_what_the_lower_half_of_its_recogniser_hears(tmp_path: Path) -> None:
    torch.manual_seed(0)
    recognizer = Recognizer(RecognizerConfig(("a", "b", "c"), width=16, blocks=4, heads=2))
    recognizer.eval().requires_grad_(False)
    listener = PhoneListener.of(recognizer)
    wav = torch.randn(8_000)
    _, _, by_phone, _ = recognizer(*filterbanks(wav[None], torch.tensor([8_000])))
    assert listener.clarity(wav, ["a", "c", "c"]) == pytest.approx(
        best_path(by_phone[0], [1, 3, 3]), rel=1e-5)
    assert listener.clarity(wav, [" ", "\u02c8a", ",", "x", "c", "c", "."]) == \
        listener.clarity(wav, ["a", "c", "c"]), "stress, boundaries, unknown phones"
    assert listener.clarity(wav, ["a", "b"] * 50) == NEVER, "no room"
    assert listener.clarity(wav[:100], ["a"]) == listener.clarity(wav, ["x"]) == NEVER
    listener.save(tmp_path, "float32")
    again = PhoneListener.load(tmp_path)
    assert again.config == listener.config
    assert again.clarity(wav, ["a", "b"]) == listener.clarity(wav, ["a", "b"])
    with pytest.raises(FileNotFoundError, match=r"no phones in .*run\.sh phones"):
        PhoneListener.load(tmp_path / "nowhere")


def drawn(tts: VALLE, text: str, voice: Prompt, seeds: range) -> list[Candidate]:
    """Candidates of a text one by one."""
    how = Delivery(voice, "en-us", SamplingOptions())
    return [tts.pipeline.draw([Segment(spoken(tts, text), seed)], range(1), how)[0][0]
            for seed in seeds]


def spoken(tts: VALLE, text: str) -> tuple[str, ...]:
    """The phones of a short text, with those in place of others that the model does not know."""
    [segment] = tts.segments([text], "en-us", 0, SamplingOptions())[0]
    return segment.phones


def kept(tts: VALLE, candidates: list[Candidate], text: str, voice: Prompt, reranker: Reranker,
         ) -> tuple[Candidate, Score]:
    """What reranking should keep."""
    heard = tts.model.codec.decode(voice.codes[None], voice.codes[None])[0, 0].numpy()
    scores = [reranker.score(one.samples, RATE, spoken(tts, text), reranker.voice(heard, RATE))
              for one in candidates]
    ranks = [(one.generated.finish == "eos", score.rank)
             for one, score in zip(candidates, scores, strict=True)]
    assert len(set(ranks)) > 1
    return max(zip(candidates, scores, strict=True),
               key=lambda pair: (pair[0].generated.finish == "eos", pair[1].rank))


def test_of_several_candidates_the_best_is_spoken(model_folder: Path, prompt: Path,
                                                  tmp_path: Path, reranker: Reranker) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    text = "The little boat was waiting."
    chosen = tts.speak(text, prompt=voice, seed=5,
                       sampling=SamplingOptions(best_of=3, retries=0))
    alone = tts.speak(text, prompt=voice, seed=5, sampling=SamplingOptions(retries=0))
    assert alone.scores == () and len(chosen.scores) == 1
    candidates = drawn(tts, text, voice, range(5 * 1_000_003, 5 * 1_000_003 + 3))
    one, score = kept(tts, candidates, text, voice, reranker)
    np.testing.assert_array_equal(alone.samples, candidates[0].samples)
    np.testing.assert_array_equal(chosen.samples, one.samples)
    assert chosen.scores == (score,)
    chosen.save(tmp_path / "o.wav")
    assert json.loads((tmp_path / "o.json").read_text())["scores"] == [
        {"words": score.words, "voice": score.voice}]


def test_what_is_not_clear_is_drawn_again(model_folder: Path, prompt: Path, reranker: Reranker,
                                          ) -> None:
    """A random model says nothing that could be understood."""
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    text = "The little boat was waiting."
    candidates = drawn(tts, text, voice, range(3))
    assert reranker.words(candidates[0].samples, RATE, spoken(tts, text)) < UNCLEAR
    one, score = kept(tts, candidates, text, voice, reranker)
    found = tts.speak(text, prompt=voice, sampling=SamplingOptions(retries=2))
    np.testing.assert_array_equal(found.samples, one.samples)
    assert found.scores == (score,)


@pytest.mark.slow
def test_what_is_clear_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tts = VALLE.from_pretrained("starter", "cpu")
    samples, _ = example("alto")
    voice = tts.encode_prompt(samples, (EXAMPLES / "alto.txt").read_text())
    counts: list[int] = []
    draw = tts.pipeline.draw
    monkeypatch.setattr(tts.pipeline, "draw", lambda segments, numbers, *rest: (
        counts.append(len(numbers) * len(segments)), draw(segments, numbers, *rest))[1])
    monkeypatch.setattr("valle.synthesis.pipeline.UNCLEAR", -20.0)
    clear = tts.speak("We went home by the river.", prompt=voice)
    assert counts == [1] and clear.scores == ()
    monkeypatch.setattr("valle.synthesis.pipeline.UNCLEAR", 0.0)
    again = tts.speak(["We went home by the river.", "Good morning."], prompt=voice,
                      sampling=SamplingOptions(retries=2))
    assert counts == [1, 2, 2, 2] and all(len(audio.scores) == 1 for audio in again)
    monkeypatch.setattr("valle.synthesis.pipeline.LANGUAGE", "de")
    tts.speak("Good morning.", prompt=voice)
    assert counts == [1, 2, 2, 2, 1], "nobody hears what is unclear in another language"


def test_scorers_are_where_the_code_looks(reranker: Reranker) -> None:
    assert all(list(scorer_folder(name).glob("*.safetensors")) for name in SCORERS)
    assert isinstance(reranker.encoder, TrainedEncoder)


def test_parts_say_what_is_missing_or_damaged(tmp_path: Path) -> None:
    record = {"size": 3, "name": "\u02c8a"}
    save_part(tmp_path, "thing", record, {"w": torch.arange(3.0)}, "float32")
    found = load_part(tmp_path, "thing", lambda record, found: (record, found["w"].tolist()),
                      "make one")
    assert found == (record, [0.0, 1.0, 2.0])
    with pytest.raises(FileNotFoundError, match=r"no other in .*: make one"):
        load_part(tmp_path, "other", lambda *_: None, "make one")
    with pytest.raises(ValueError, match="damaged or foreign thing: 'depth'"):
        load_part(tmp_path, "thing", lambda record, _: record["depth"], "make one")
    (tmp_path / "thing.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="thing.safetensors is missing"):
        load_part(tmp_path, "thing", lambda *_: None, "make one")
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ValueError, match="model.json"):
        load_part(tmp_path, "thing", lambda *_: None, "make one")
