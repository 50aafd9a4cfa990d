"""synthesis/lead.py: the word before short segments is spoken, and nothing of it is heard."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import PROMPT_TEXT

from codec import CodecSpec
from g2p import phonemize
from valle import VALLE
from valle.synthesis.decode import Generated
from valle.synthesis.lead import SHORT, lead, with_lead, without_lead
from valle.synthesis.pipeline import Delivery
from valle.synthesis.segment import segments

SPECS = [CodecSpec(), CodecSpec(hop=640)]
KEPT = {320: 4, 640: 2}  # frames of .053 s


def test_only_short_texts_of_a_language_with_a_word_get_one() -> None:
    word, stop = lead("en-us"), phonemize("Stop.")
    assert word == tuple(phonemize("Listen.")) and lead("de") == ()
    assert with_lead(stop, word) == [*word, *stop[1:]] and with_lead(stop, ()) == stop
    long = phonemize("We will meet again on the last evening of the summer.")
    assert len(long) >= SHORT and with_lead(long, word) == long


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("pause", [0, 2, 4, 9])
def test_the_word_is_cut_off_with_its_pause_but_for_a_little(pause: int, spec: CodecSpec) -> None:
    durations = (1, 5, pause, 3, 2, 4)  # " ", a phone and "." of the word, then three phones
    frames = sum(durations)
    generated = Generated(tuple(range(frames)), durations, "eos")
    samples = np.arange(frames * spec.hop, dtype=np.float32) + 1
    kept, heard = without_lead(generated, samples, 2, spec)
    left = min(pause, KEPT[spec.hop])
    assert kept.durations == (left, 3, 2, 4) and kept.finish == "eos"
    assert kept.codes == tuple(range(frames))[-(9 + left):] and len(
        heard) == (9 + left) * spec.hop
    assert np.array_equal(heard[left * spec.hop:], samples[-9 * spec.hop:])
    assert not left or heard[0] == 0


def test_what_has_no_word_or_ends_within_it_stays_as_it_is() -> None:
    samples = np.ones(12, np.float32)
    for generated, led in ((Generated((1, 2, 3), (1, 2), "eos"), 0),
                           (Generated((1, 2, 3), (1, 2), "cap"), 2), (Generated((1, 2, 3)), 2)):
        assert without_lead(generated, samples, led, CodecSpec()) == (generated, samples)


def test_a_short_segment_is_itself_alone(model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    parts, _ = segments(["Come in!"], "en-us", 0)
    delivery = Delivery(voice, "en-us", tts.sampling)
    [[candidate]] = tts.pipeline.draw(parts, range(1), delivery)
    durations = candidate.generated.durations
    assert durations is not None and len(durations) == len(parts[0].phones)
    assert len(candidate.generated.codes) == sum(durations)
    assert len(candidate.samples) == sum(durations) * tts.model.codec.hop
    alone = tts.pipeline.complete(parts[0], candidate.generated, delivery, alone=True)
    assert len(alone.samples) == len(candidate.samples)
    audio = tts.speak("Come in!", prompt=voice)
    assert [phone for phone, _, _ in audio.phones] == list(parts[0].phones)
