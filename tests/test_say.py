"""Speaking, by command line and by API, on good input."""
from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import PROMPT_TEXT, RATE, SENTENCES
from saying import ROOT, arguments, files, one_line, process, samples_of, say

from g2p import phonemize
from valle.cli import run
from valle.synthesis.batch import MAX_ROWS
from valle.synthesis.options import SamplingOptions
from valle.synthesis.segment import split_phones
from valle.tts import VALLE, SomeUnspoken

# --- real processes ------------------------------------------------------------------------------

def test_infer_py_speaks(model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "o.wav"
    done = process("infer.py", *arguments(model_folder, prompt, out), "--seed=3")
    assert (done.returncode, done.stderr) == (0, "")
    assert str(out) in done.stdout and "RTF" in done.stdout
    assert files(out.parent) == ["o.json", "o.wav"]
    samples, rate = soundfile.read(out)
    record = json.loads(out.with_suffix(".json").read_text())
    assert rate == RATE and samples.any()
    assert len(samples) / RATE == pytest.approx(record["seconds"], abs=0.001)
    assert record["text"] == "A small boat." and record["seed"] == 3
    assert [p for p, _, _ in record["phones"]] == phonemize("A small boat.")
    assert record["phones"][-1][2] == pytest.approx(record["seconds"], abs=0.002)


def test_a_stream_on_standard_output_is_what_the_library_streams(model_folder: Path, prompt: Path,
                                                                 tmp_path: Path) -> None:
    change = {"text": "The sea was calm. We went home, slowly.", "retries": "0", "out": "-"}
    command = [sys.executable, "-B", "-m", "valle", "say",
               "--no-watermark", *arguments(model_folder, prompt, tmp_path / "o.wav", change)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=True)
    heard, rate = soundfile.read(io.BytesIO(done.stdout), dtype="int16")
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    spoken = tts.stream(change["text"], prompt=prompt, prompt_text=PROMPT_TEXT, quick=True,
                        sampling=replace(tts.sampling, retries=0))
    assert rate == RATE and done.stderr == b"" and files(tmp_path) == []
    assert np.array_equal(heard, np.rint(np.clip(np.concatenate(
        [one.samples for one in spoken]), -1, 1) * 32767).astype(np.int16))
    command = [*command, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1 and b"leave out --json" in done.stderr and done.stdout == b""


def test_python_m_valle_reads_stdin_and_prints_json(model_folder: Path, prompt: Path,
                                                    tmp_path: Path) -> None:
    out = tmp_path / "o.wav"
    done = process("-m", "valle", "say", *arguments(model_folder, prompt, out, {"text": "-"}),
                   "--json", stdin="A small boat.\n")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1 and said["out"] == str(out) and said["finish"] == "eos"
    assert said["seconds"] == pytest.approx(soundfile.info(out).duration, abs=0.001)


def test_a_mistake_in_a_real_process_is_one_line(model_folder: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.wav"
    done = process("infer.py", *arguments(model_folder, absent, tmp_path / "o.wav"))
    assert done.returncode == 1 and done.stdout == "" and files(tmp_path) == []
    assert one_line(done.stderr) and "check the path" in done.stderr


def test_ctrl_c_of_a_real_process(model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-B", "infer.py",
               *arguments(model_folder, prompt, tmp_path / "o.wav", {"text": "-"})]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                                         signal.SIG_DFL))
    wait_for_stdin(child.pid)
    child.send_signal(signal.SIGINT)
    _, printed = child.communicate(timeout=60)
    assert child.returncode == 130 and printed == "infer.py: stopped\n"
    assert files(tmp_path) == []


def wait_for_stdin(pid: int) -> None:
    """Until the process sleeps in a read of its standard input."""
    for _ in range(600):
        if Path(f"/proc/{pid}/wchan").read_text() in ("pipe_read", "anon_pipe_read"):
            return
        time.sleep(0.05)
    time.sleep(3.0)  # a kernel that hides where a process waits


# --- in this process ----------------------------------------------------------------------------

def test_same_seed_same_samples(model_folder: Path, prompt: Path, tmp_path: Path,
                                capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert say(model_folder, prompt, tmp_path / f"{name}.wav", seed=seed) == 0
    a, b, c = (samples_of(tmp_path / f"{name}.wav") for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert capsys.readouterr().err == ""


def replay(record: Path, out: Path, *more: str) -> int:
    return run("say", [f"--replay={record}", f"--out={out}", *more], "infer.py")


@pytest.mark.parametrize("change", [
    {}, {"seed": "9", "temperature": "0.7", "top_k": "50", "top_p": "0.8"}, {"best_of": "2"},
    {"text": "One boat.\n\nTwo boats.", "pause": "1.5"}, {"guidance": "1", "nar_guidance": "2"}])
def test_a_replay_makes_the_same_samples(change: dict[str, str], model_folder: Path, prompt: Path,
                                         tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, prompt, tmp_path / "a.wav", **change) == 0
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["prompt"] == str(prompt) and record["prompt_text"] == PROMPT_TEXT
    assert len(record["prompt_sha256"]) == len(record["sha256"]) == 64 and record["valle"]
    assert replay(tmp_path / "a.json", tmp_path / "b.wav") == 0
    assert np.array_equal(samples_of(tmp_path / "a.wav"), samples_of(tmp_path / "b.wav"))
    assert f"the same samples as those of {tmp_path / 'a.json'}" in capsys.readouterr().err
    again = json.loads((tmp_path / "b.json").read_text())
    assert again == record


def test_a_replay_says_what_is_not_as_it_was(model_folder: Path, prompt: Path, tmp_path: Path,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    assert say(model_folder, prompt, tmp_path / "a.wav") == 0
    samples = soundfile.read(prompt, dtype="float32")[0]
    soundfile.write(tmp_path / "p.wav", samples[: -RATE // 10], RATE)
    assert replay(tmp_path / "a.json", tmp_path / "b.wav",
                  f"--prompt-audio={tmp_path / 'p.wav'}") == 1
    assert "the prompt's samples were" in capsys.readouterr().err
    record = json.loads((tmp_path / "a.json").read_text())
    for spoil, advice in (({"text": 3}, "holds no text"), ({"seed": "1"}, "holds no seed"),
                          ({"prompt": ""}, "give it with --prompt-audio"),
                          ({"prompt": "/nowhere.wav"}, "no audio file at /nowhere.wav"),
                          ({"model": "/nowhere"}, "no model folder /nowhere")):
        (tmp_path / "c.json").write_text(json.dumps(record | spoil))
        assert replay(tmp_path / "c.json", tmp_path / "d.wav") == 1
        assert advice in capsys.readouterr().err
    assert replay(tmp_path / "none.json", tmp_path / "d.wav") == 1
    assert "give the JSON file beside the speech" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_other_formats(suffix: str, model_folder: Path, prompt: Path, tmp_path: Path) -> None:
    out = tmp_path / f"o{suffix}"
    assert say(model_folder, prompt, out) == 0
    assert soundfile.info(out).format == {".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3"}[suffix]
    assert files(tmp_path) == sorted(["o.json", out.name])
    assert say(model_folder, prompt, out, seed="1") == 0, "its own record may be replaced"


def test_progress_ends_with_everything_done(tts: VALLE, prompt: Path) -> None:
    done: list[int] = []
    audio = tts.speak("A small boat.", prompt=prompt, prompt_text=PROMPT_TEXT, on_frame=done.append,
                      sampling=SamplingOptions(retries=0))
    frames = round(audio.seconds * RATE / 320)
    assert sum(done) >= 2 * frames, "the tokens of the AR, then NAR and codec"
    assert done[-1] > 1 and done[0] == 1


def test_text_from_files_and_stdin_is_the_same_text(
        model_folder: Path, prompt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.txt").write_text("A small boat.\n", encoding="utf-8-sig")
    (tmp_path / "said.txt").write_text(PROMPT_TEXT)
    monkeypatch.setattr(sys, "stdin", io.StringIO("A small boat.\n"))
    say(model_folder, prompt, tmp_path / "a.wav")
    say(model_folder, prompt, tmp_path / "b.wav", text=None, prompt_text=None,
        text_file=str(tmp_path / "text.txt"), prompt_text_file=str(tmp_path / "said.txt"))
    say(model_folder, prompt, tmp_path / "c.wav", text="-")
    a, b, c = (samples_of(tmp_path / f"{name}.wav") for name in "abc")
    assert np.array_equal(a, b) and np.array_equal(a, c)


@pytest.mark.parametrize("channels, rate", [(2, RATE), (1, 8_000), (1, 192_000), (2, 44_100)])
def test_any_rate_and_channels_just_work(model_folder: Path, prompt: Path, tmp_path: Path,
                                         channels: int, rate: int,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    import soxr

    voice = soxr.resample(soundfile.read(prompt)[0], RATE, rate)
    soundfile.write(tmp_path / "p.wav", np.stack([voice] * channels, axis=1), rate)
    assert say(model_folder, tmp_path / "p.wav", tmp_path / "o.wav") == 0
    printed = capsys.readouterr().err
    assert printed == "" if rate > 8_000 else "nothing above 4 kHz" in printed


def test_plain_layout_speaks_without_an_aligner(plain_folder: Path, prompt: Path, tmp_path: Path,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    assert say(plain_folder, prompt, tmp_path / "o.wav") == 0
    assert capsys.readouterr().err == ""
    assert json.loads((tmp_path / "o.json").read_text())["phones"] == []


@pytest.fixture(scope="module")
def tts(model_folder: Path) -> VALLE:
    return VALLE.from_pretrained(model_folder, "cpu")


@pytest.mark.slow
def test_several_texts_in_one_call_are_those_of_single_calls(tts: VALLE, prompt: Path) -> None:
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    texts = [SENTENCES[i % len(SENTENCES)] for i in range(MAX_ROWS + 2)]
    several = tts.speak(texts, prompt=voice, seed=4)
    for text, audio in list(zip(texts, several, strict=True))[::5]:
        alone = tts.speak(text, prompt=voice, seed=4)
        assert audio.settings == alone.settings and audio.phones == alone.phones
        np.testing.assert_allclose(audio.samples, alone.samples, atol=1e-4)
    assert tts.speak([], prompt=voice) == []


def test_one_impossible_text_does_not_cost_the_others(tts: VALLE, prompt: Path) -> None:
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    with pytest.raises(SomeUnspoken, match="1 of 3 texts .*: text 2: nothing to say") as e:
        tts.speak([SENTENCES[0], " ", SENTENCES[1]], prompt=voice)
    first, none, last = e.value.results
    assert none is None and first is not None and last is not None
    np.testing.assert_array_equal(last.samples, tts.speak(SENTENCES[1], prompt=voice).samples)
    with pytest.raises(ValueError, match="^nothing to say"):
        tts.speak(" ", prompt=voice)


@pytest.mark.slow
def test_long_texts_are_spoken_in_pieces(tts: VALLE, prompt: Path) -> None:
    text = " ".join(SENTENCES * 5)
    pieces = split_phones(phonemize(text))
    audio = tts.speak(text, prompt=prompt, prompt_text=PROMPT_TEXT)
    assert len(pieces) > 2
    assert [p for p, _, _ in audio.phones] == [p for piece in pieces for p in piece]
    starts, ends = [a for _, a, _ in audio.phones], [b for _, _, b in audio.phones]
    assert starts == sorted(starts) and ends[-1] == pytest.approx(audio.seconds, abs=0.01)


def test_a_stream_can_be_awaited(model_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder, "cpu")
    voice, text = tts.encode_prompt(prompt, PROMPT_TEXT), "One.\n\nTwo.\n\nThree."
    ticks = 0

    async def collect() -> list[np.ndarray]:
        nonlocal ticks

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        ticking = asyncio.create_task(tick())
        found = [one.samples async for one in tts.astream(text, prompt=voice, seed=2)]
        ticking.cancel()
        return found

    found = asyncio.run(collect())
    expected = [one.samples for one in tts.stream(text, prompt=voice, seed=2)]
    assert len(found) == 3 and all(map(np.array_equal, found, expected))
    assert ticks > 5, "others go on while the model works"


@pytest.mark.slow
def test_a_stream_gives_what_speak_joins_and_stops_when_it_is_left(
        tts: VALLE, prompt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    text = " ".join(SENTENCES * 5)
    whole = tts.speak(text, prompt=voice, seed=2)
    for together in (1, 2):
        parts = list(tts.stream(text, prompt=voice, seed=2, together=together))
        assert len(parts) > 2
        np.testing.assert_array_equal(np.concatenate([p.samples for p in parts]), whole.samples)
    drawn: list[int] = []
    draw = tts.pipeline.draw
    monkeypatch.setattr(tts.pipeline, "draw", lambda segments, *rest: (
        drawn.append(len(segments)), draw(segments, *rest))[1])
    stream = tts.stream(text, prompt=voice, seed=2)
    assert drawn == []
    first = next(stream)
    stream.close()
    count = len(drawn)
    np.testing.assert_array_equal(first.samples, parts[0].samples)
    assert 1 <= count <= 1 + SamplingOptions().retries and set(drawn) == {1}
    with pytest.raises(StopIteration):
        next(stream)
    assert len(drawn) == count


@pytest.mark.parametrize("layout", ["interleaved", "plain"])
def test_continuation_runs_the_ar_and_starts_with_the_prompt(
        layout: str, model_folder: Path, plain_folder: Path, prompt: Path) -> None:
    tts = VALLE.from_pretrained(model_folder if layout == "interleaved" else plain_folder, "cpu")
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    steps: list[int] = []
    one, other = (tts.speak("We went home.", prompt=voice, continuation=True, seed=seed,
                            on_frame=steps.append) for seed in (1, 2))
    known, books = voice.codes[None], tts.model.nar.config.n_codebooks
    heard = tts.model.codec.decode(known[:, :books], known)[0, 0].numpy()
    sure = len(heard) - 30 * 320  # the decoder looks ahead by less than 30 frames
    assert sure > RATE
    for audio in (one, other):
        np.testing.assert_allclose(audio.samples[:sure], heard[:sure], atol=1e-3)
        assert audio.settings["continuation"]
    target = [a.samples[len(heard):] for a in (one, other)]
    assert sum(steps) >= sum(len(t) for t in target) / 320 > 0, "a step for each new frame"
    n = min(map(len, target))
    assert n and not np.allclose(target[0][:n], target[1][:n], atol=1e-3)
    if layout == "interleaved":
        assert one.phones[0][1] == pytest.approx(len(heard) / RATE)


def test_a_long_continuation_holds_the_prompt_once(tts: VALLE, prompt: Path) -> None:
    voice = tts.encode_prompt(prompt, PROMPT_TEXT)
    text = "We went home, and the boat lay on the shore. " * 6
    options = SamplingOptions(retries=0)
    audio, plain = (tts.speak(text, prompt=voice, continuation=continuation, sampling=options)
                    for continuation in (True, False))
    heard = voice.codes.shape[1] * tts.model.codec.hop / RATE
    assert len(split_phones(phonemize(text))) > 1
    assert audio.phones[0][1] == pytest.approx(heard)
    spaces = np.diff([start for _, start, _ in audio.phones])
    assert spaces.max() < heard and plain.phones[0][1] == 0


def test_prompt_without_continuation_is_not_in_the_result(tts: VALLE, prompt: Path) -> None:
    audio = tts.speak("We went home.", prompt=prompt, prompt_text=PROMPT_TEXT)
    assert audio.phones[0][1] == 0 and len(audio.samples) == round(audio.phones[-1][2] * RATE)
