"""Speech editing: which words change, what is spoken for them, and that nothing else moves."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray
from saying import ROOT, files, process

from valle.cli import run
from valle.synthesis.edit import FADE, Edited, Patch, Word, differences
from valle.synthesis.options import SamplingOptions
from valle.tts import VALLE

CLARA = ROOT / "examples" / "clara.wav"
TEXT = CLARA.with_suffix(".txt").read_text().strip()
TO = "The harbour was loud, and the first of the boats had come home."
RATE = 24_000


def words(text: str) -> list[Word]:
    return [Word(word, (place,)) for place, word in enumerate(text.split())]


@pytest.mark.parametrize(("old", "new", "found"), [
    ("We meet on Monday.", "We meet on Friday.", [("Monday.", "Friday.")]),
    ("We meet on Monday.", "we MEET, on Monday", []),
    ("It is 5 miles.", "It is five miles.", []),
    ("We meet on Monday.", "We never meet on Monday.", [("", "never")]),
    ("We never meet there.", "We meet there.", [("never meet", "meet")]),
    ("We meet there again.", "We meet there.", [("there again.", "there.")]),
    ("One two three four.", "Five two six four.", [("One two three", "Five two six")]),
    ("One two three four.", "Five two three six.", [("One", "Five"), ("four.", "six.")]),
    ("We meet.", "Tonight we meet.", [("", "Tonight")]),
    ("Hm no yes.", "Hm no.", [("no yes.", "no.")]),
])
def test_the_words_that_differ_are_found(old: str, new: str, found: list[tuple[str, str]]) -> None:
    before, after = words(old), words(new)
    assert [(" ".join(w.text for w in before[a.start: a.stop]),
             " ".join(w.text for w in after[b.start: b.stop]))
            for a, b in differences(before, after)] == found


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("rate", [8_000, RATE, 44_100])
def test_outside_of_patches_every_sample_stays(dtype: type, rate: int) -> None:
    rng = np.random.default_rng(0)
    noise = rng.uniform(-.9, .9, (rate, 2))
    whole = np.issubdtype(dtype, np.integer)
    old = (noise * np.iinfo(dtype).max).astype(dtype) if whole else noise.astype(dtype)
    fade = round(FADE * rate)
    longer = np.zeros(round((.25 + FADE) * RATE), np.float32)
    edited = Edited((Patch(.2, .3, "", "", longer), Patch(.8, 1., "", "", longer[:2400])), RATE, "")
    new = edited.applied_to(old, rate)
    first, second = round(.2 * rate), round(.3 * rate) + fade
    between = round(.8 * rate) - second
    moved = round(.25 * rate) + fade + first
    assert new.dtype == old.dtype and new.shape[1] == 2
    assert np.array_equal(new[:first], old[:first])
    assert np.array_equal(new[moved: moved + between], old[second: second + between])
    assert abs(len(new) - round(1.05 * rate)) <= 2, ".1 s became .25 s, .2 s became .1 s"
    assert not new[first + fade: moved - fade].any(), "the patch is silent"
    assert np.array_equal(new[first], old[first]), "the fade begins with the recording"


@pytest.fixture(scope="module")
def starter() -> VALLE:
    return VALLE.from_pretrained(device="cpu")


@pytest.fixture(scope="module")
def recording() -> NDArray[np.int32]:
    """Clara in stereo at 44.1 kHz with 24 bits."""
    samples, rate = soundfile.read(CLARA)
    higher = soxr.resample(samples, rate, 44_100)
    return np.rint(np.stack([higher, higher / 2], 1) * 2 ** 23).astype(np.int32) * 256


@pytest.fixture(scope="module")
def edited(starter: VALLE, recording: NDArray[np.int32]) -> Edited:
    whole = (recording / 2 ** 31).astype(np.float32)
    return starter.edit((whole, 44_100), TO, text=TEXT, sampling=SamplingOptions(retries=0))


def test_the_changed_words_are_spoken_in_their_place(edited: Edited) -> None:
    quiet, last = edited.patches
    assert [(one.old, one.new) for one in edited.patches] == [("quiet,", "loud,"),
                                                              ("last", "first")]
    assert .8 < quiet.start < 1 and 1.4 < quiet.end < last.start < last.end < 2.5
    for one in edited.patches:
        assert one.finish == "eos" and .1 < len(one.samples) / RATE < 2
        level = float(np.sqrt(np.square(one.samples).mean()))
        assert .01 < level < .3, "as loud as the recording, not silent"


def test_what_stands_before_and_behind_is_bit_for_bit_what_it_was(
        edited: Edited, recording: NDArray[np.int32]) -> None:
    new = edited.applied_to(recording, 44_100)
    fade = round(FADE * 44_100)
    start, end = round(edited.patches[0].start * 44_100), round(edited.patches[1].end * 44_100)
    behind = len(recording) - end - fade
    assert np.array_equal(new[:start], recording[:start])
    assert np.array_equal(new[-behind:], recording[-behind:])
    assert new.dtype == np.int32 and abs(len(new) - len(recording)) < 2 * 44_100


def test_the_first_words_may_change_too(starter: VALLE) -> None:
    found = starter.edit(CLARA, TEXT.replace("The harbour", "Every village"), text=TEXT,
                         sampling=SamplingOptions(retries=0))
    [one] = found.patches
    assert one.start == 0 and (one.old, one.new) == ("The harbour", "Every village")
    assert .2 < len(one.samples) / RATE < 3


def test_the_command_keeps_rate_channels_and_bits(recording: NDArray[np.int32], tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    given, out = tmp_path / "talk.wav", tmp_path / "out.flac"
    soundfile.write(given, recording, 44_100, "PCM_24")
    assert run("edit", [str(given), f"--text={TEXT}", f"--to={TO}", f"--out={out}", "--retries=0",
                        "--json"], "valle edit") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["new"] for one in told["changed"]] == ["loud,", "first"]
    assert files(tmp_path) == ["out.flac", "talk.wav"]
    with soundfile.SoundFile(out) as file:
        assert (file.samplerate, file.channels, file.subtype) == (44_100, 2, "PCM_24")
        assert "synthetic" in file.comment
        new = file.read(dtype="int32")
    start = round(told["changed"][0]["start"] * 44_100) - 44
    assert np.array_equal(new[:start], recording[:start])


@pytest.mark.parametrize(("change", "message"), [
    ({"--to": TEXT}, "says that already"),
    ({"--to": "Nobody knows."}, "not a word of the recording is left"),
    ({"--to": " "}, "--to holds no words"),
    ({"--to": TEXT.replace("quiet", "quiet " + "and then loud again " * 12)}, "too much at once"),
    ({"--text": "Quite another sentence was never spoken by anybody in here."},
     "does not fit what the recording says"),
    ({"--text": ""}, "--text holds no words"),
    ({"--out": "edited.mp3"}, "ends in .wav or .flac"),
    ({"--out": str(CLARA)}, "would replace"),
    ({"recording": "nowhere.wav"}, "no audio file at nowhere.wav"),
    ({"recording": str(ROOT / "README.md")}, "cannot be read as audio"),
])
def test_mistakes_are_one_line(change: dict[str, str], message: str, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:
    options = {"--text": TEXT, "--to": TO, "--out": str(tmp_path / "o.wav")} | change
    recording = options.pop("recording", str(CLARA))
    assert run("edit", [recording, *(f"{k}={v}" for k, v in options.items())], "valle edit") == 1
    said = capsys.readouterr()
    assert message in said.err and said.err.count("\n") == 1 and said.out == ""
    assert files(tmp_path) == []


def test_a_plain_model_says_that_it_has_no_timings(plain_folder: Path, tmp_path: Path) -> None:
    done = process("-m", "valle", "edit", str(CLARA), f"--text={TEXT}", f"--to={TO}",
                   f"--model={plain_folder}", f"--out={tmp_path / 'o.wav'}")
    assert done.returncode == 1 and "no timings (plain layout)" in done.stderr
