"""The watermark: where it is put, that it is found again, and that it does no harm."""
from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import EXAMPLE, needs
from saying import process, samples_of, say
from serving import CLARA, TEXT, by_clara, serving

from codec.audio import Samples, load_audio, resample, save_audio
from codec.encode import encoded
from valle.cli import run
from valle.synthesis import watermark as module
from valle.synthesis.finish import tags
from valle.synthesis.watermark import FOUND, Watermark
from valle.tts import VALLE

RATE = 24_000
PERTH_RATE = 32_000
pytestmark = needs("perth")


@pytest.fixture(scope="module")
def mark() -> Watermark:
    return Watermark()


@pytest.fixture(scope="module")
def plain() -> Samples:
    """Four seconds of speech [N]."""
    return load_audio(EXAMPLE)


@pytest.fixture(scope="module")
def marked(mark: Watermark, plain: Samples) -> Samples:
    return mark.marked(plain, RATE)


@torch.inference_mode()
def test_the_networks_are_those_of_the_package(mark: Watermark, plain: Samples,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    folder = module._weights().parents[2]
    monkeypatch.syspath_prepend(str(folder))  # past what asks for pkg_resources and torchaudio
    from perth_net_implicit.model.decoder import Decoder
    from perth_net_implicit.model.encoder import Encoder

    state = torch.load(module._weights(), "cpu", weights_only=True)["model"]
    networks = []
    for name, network in (("encoder", Encoder(256, 128)), ("decoder", Decoder(256, 128))):
        network.load_state_dict({key.removeprefix(f"{name}."): value for key, value
                                 in state.items() if key.startswith(f"{name}.")})
        networks.append(network.eval())
    encode, decode = networks
    samples = resample(plain, RATE, PERTH_RATE)
    spectrum = module._spectrum(samples, PERTH_RATE)
    levels, _ = encode(module._levels(spectrum))
    theirs = torch.istft(10 ** ((levels[0] * 195 - 180) / 20) * torch.exp(1j * spectrum.angle()),
                         2048, 320, window=torch.hann_window(2048), length=len(samples)).numpy()
    ours = mark.marked(samples, PERTH_RATE)
    assert np.abs(ours - theirs).max() < 1e-4 < np.abs(ours - samples).max()
    for sound in (samples, ours):
        one = decode(module._levels(module._spectrum(sound, PERTH_RATE)))
        assert mark.score(sound, PERTH_RATE) == pytest.approx(float(one.clamp(0, 1)), abs=1e-4)


def mp3(samples: Samples) -> Samples:
    return load_audio(io.BytesIO(encoded("mp3", samples, RATE, {})))


HARMS: dict[str, Callable[[Samples], Samples]] = {
    "nothing": lambda samples: samples, "mp3": mp3,
    "16 kHz": lambda samples: resample(resample(samples, RATE, 16_000), 16_000, RATE),
    "3 s": lambda samples: samples[500: 500 + 3 * RATE], "softer": lambda samples: samples * 0.1}


@pytest.mark.parametrize("harm", HARMS)
def test_it_is_found_where_it_is_and_nowhere_else(harm: str, mark: Watermark, plain: Samples,
                                                  marked: Samples) -> None:
    assert mark.score(HARMS[harm](marked), RATE) > 0.9
    assert mark.score(HARMS[harm](plain), RATE) < 0.1


def test_it_leaves_all_above_two_kilohertz_alone(plain: Samples, marked: Samples) -> None:
    change = np.abs(np.fft.rfft(marked - plain)) ** 2
    above = int(2_100 * len(plain) / RATE)
    assert change[above:].sum() < 1e-4 * change.sum()
    assert marked.dtype == np.float32 and len(marked) == len(plain)


@pytest.mark.parametrize("samples", [
    np.zeros(0, "f4"), np.ones(1, "f4"), np.ones(768, "f4"), np.ones(769, "f4"),
    np.zeros(RATE, "f4"), np.eye(1, RATE, dtype="f4")[0]], ids=range(6))
def test_hardly_any_sound_comes_to_no_harm(samples: Samples, mark: Watermark) -> None:
    heard = mark.marked(samples, RATE)
    assert len(heard) == len(samples) and np.isfinite(heard).all()
    assert 0 <= mark.score(samples, RATE) <= 1
    if len(samples) <= 768 or not samples.any():
        assert np.array_equal(heard, samples)


def test_streams_and_files_are_marked_alike(model_folder: Path, mark: Watermark) -> None:
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    options = {"prompt": CLARA, "prompt_text": CLARA.with_suffix(".txt").read_text()}
    text = "The sea was calm. We went home, slowly."
    unmarked = list(tts.stream(text, **options))
    tts.watermark = mark
    audio = tts.speak(text, **options)
    by_hand = np.concatenate([mark.marked(one.samples, RATE) for one in unmarked])
    assert np.array_equal(audio.samples, by_hand) and audio.settings["watermark"] == "perth"
    assert not np.array_equal(by_hand, np.concatenate([one.samples for one in unmarked]))


def test_a_replay_is_marked_as_its_record_was(model_folder: Path, prompt: Path, tmp_path: Path,
                                              ) -> None:
    out, again, old = (tmp_path / f"{name}.wav" for name in ("out", "again", "old"))
    assert say(model_folder, prompt, out, "--watermark") == 0
    assert run("say", [f"--replay={out.with_suffix('.json')}", f"--out={again}"], "say") == 0
    assert np.array_equal(samples_of(again), samples_of(out))
    record = json.loads(out.with_suffix(".json").read_text())
    assert record.pop("watermark") == "perth"
    (tmp_path / "0.12.json").write_text(json.dumps(record))  # valle 0.12 marked nothing
    assert run("say", [f"--replay={tmp_path / '0.12.json'}", f"--out={old}"], "say") == 1
    assert json.loads(old.with_suffix(".json").read_text())["watermark"] == ""


@pytest.fixture(scope="module")
def folder(plain: Samples, marked: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as `valle say` and the server write them, and a recording."""
    place = tmp_path_factory.mktemp("files")
    for suffix in ("wav", "flac", "ogg", "opus", "mp3"):
        save_audio(place / f"say.{suffix}", marked, RATE, tags("starter"))
    for name in ("wav", "flac", "opus", "mp3", "aac"):
        (place / f"serve.{name}").write_bytes(encoded(name, marked, RATE, tags("starter")))
    save_audio(place / "recording.wav", plain, RATE)
    return place


def test_detect_tells_marked_files_from_recordings(folder: Path,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(folder.iterdir())
    assert run("detect", [*map(str, files), "--json"], "valle detect") == 0
    for file, line in zip(files, capsys.readouterr().out.splitlines(), strict=True):
        found = json.loads(line)
        synthetic = file.name != "recording.wav"
        assert found["file"] == str(file) and found["watermark"] is synthetic
        assert found["score"] > FOUND if synthetic else found["score"] < 0.1
        assert found["says_synthetic"] is (synthetic and file.name != "serve.aac")
        assert found["by"].startswith("valle ") or not found["says_synthetic"]


def test_detect_reads_metadata_without_the_package_and_names_what_is_no_sound(
        folder: Path, tmp_path: Path) -> None:
    (tmp_path / "perth").mkdir()  # a package of that name without weights
    (tmp_path / "perth" / "__init__.py").touch()
    code = (f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from valle.cli import main; "
            "sys.exit(main(sys.argv[1:]))")
    done = process("-c", code, "detect", str(folder / "say.mp3"), "no.wav")
    assert done.returncode == 1
    assert "watermark not looked for; says that it is synthetic, by valle" in done.stdout
    assert "pip install 'valle[watermark]'" in done.stderr
    assert "valle detect: no audio file at no.wav" in done.stderr
    wanted = process("-c", code, "say", "--text=A.", f"--prompt-audio={EXAMPLE}", "--watermark",
                     "--prompt-text=A small boat.", f"--out={tmp_path / 'o.wav'}")
    assert wanted.returncode == 1 and "needs resemble-perth: pip install" in wanted.stderr
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.slow
def test_the_server_marks_what_it_says_at_any_speed(model_folder: Path, tmp_path: Path,
                                                    mark: Watermark) -> None:
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    unmarked = by_clara(tts, TEXT)
    tts.watermark = mark
    body = {"input": TEXT, "voice": "clara", "response_format": "pcm"}
    with serving(model_folder, tmp_path, "--watermark") as server:
        heard = np.frombuffer(server.post(body).content, "<i2")
        fast = np.frombuffer(server.post({**body, "speed": 2}).content, "<i2")
    assert np.array_equal(heard, by_clara(tts, TEXT)) and not np.array_equal(heard, unmarked)
    assert len(fast) == round(len(unmarked) / 2)

