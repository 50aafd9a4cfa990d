"""codec/audio.py on real files: every format, every bad input of the issue, a disk that is full."""
from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codec import check_prompt, load_audio, save_audio, trim_silence
from codec.audio import WRITTEN, read_tags
from codec.encode import encoded

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
TEXT = b"this is a text, not a sound\n" * 50


def tone(seconds: float, rate: int = 24_000, hz: float = 440.0, level: float = 0.3) -> np.ndarray:
    """A sine, [N] float32."""
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def speechlike(seconds: float, rate: int = 24_000) -> np.ndarray:
    """Noise with syllables: four bursts a second, [N] float32."""
    n = round(seconds * rate)
    swell = np.sin(2 * np.pi * 2 * np.arange(n) / rate) ** 2
    return (0.1 * swell * np.random.default_rng(0).standard_normal(n)).astype("f4")


def write(path: Path, samples: np.ndarray, rate: int = 24_000, **options: str) -> Path:
    soundfile.write(path, samples, rate, **options)
    return path


def refused(path: Path, **options: float) -> str:
    """The text of the ValueError of `load_audio`: one line that names the file."""
    with pytest.raises(ValueError) as caught:
        load_audio(path, **options)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text


# --- reading ---------------------------------------------------------------------------------

@pytest.mark.parametrize(("rate", "name", "options", "error"), [
    (24_000, "a.wav", {"subtype": "PCM_16"}, 1e-4),
    (24_000, "a.wav", {"subtype": "FLOAT"}, 1e-7),
    (24_000, "a.flac", {}, 1e-4),
    (8_000, "a.wav", {}, 1e-3),
    (44_100, "a.flac", {}, 1e-3),
    (192_000, "a.wav", {"subtype": "PCM_24"}, 1e-3),
    (48_000, "a.opus", {"format": "OGG", "subtype": "OPUS"}, 0.05),
    (44_100, "a.ogg", {}, 0.05),
    (44_100, "a.mp3", {}, 0.05),
])
def test_formats_and_rates(tmp_path: Path, rate: int, name: str, options: dict[str, str],
                           error: float) -> None:
    samples = load_audio(write(tmp_path / name, tone(1.5, rate), rate, **options))
    assert samples.dtype == np.float32 and samples.shape == (36_000,)
    middle = slice(4_000, -4_000)
    assert np.abs(samples - tone(1.5))[middle].max() < error


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(1, hz=300), tone(1, hz=700)
    samples = load_audio(write(tmp_path / "a.wav", np.stack([left, right], 1), subtype="FLOAT"))
    np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-7)


def test_other_sample_rate(tmp_path: Path) -> None:
    assert load_audio(write(tmp_path / "a.wav", tone(1)), 16_000).shape == (16_000,)


def test_long_files_are_read_in_blocks_without_a_seam(tmp_path: Path) -> None:
    wave = np.stack([tone(13, hz=hz) for hz in (200, 300, 500)], 1)
    samples = load_audio(write(tmp_path / "a.wav", wave, subtype="FLOAT"))
    np.testing.assert_allclose(samples, wave.mean(1), atol=1e-6)


def test_a_sound_under_a_foreign_name_is_still_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1)).rename(tmp_path / "a.raw")
    assert load_audio(path).shape == (24_000,)


def test_real_speech() -> None:
    clip = next(CORPUS.glob("LJSpeech-1.1/wavs/*.opus"), None)
    if clip is None:
        pytest.skip(f"no corpus at {CORPUS}")
    samples = load_audio(clip)
    assert check_prompt(samples) == []
    start, end = trim_silence(samples)
    assert 0 <= start < end <= len(samples) and end - start > 0.8 * len(samples)


def rises(seconds: float, channels: int, rate: int = 24_000) -> np.ndarray:
    """A sine of its own pitch in each channel, [N, C]."""
    return np.stack([tone(seconds, rate, 200 + 130 * c) for c in range(channels)], 1)


OPPOSITE: dict[str, tuple[np.ndarray, int]] = {  # channels, and the one that is kept
    "opposite": (np.stack([tone(1), -tone(1)], 1), 0),
    "one is louder": (np.stack([0.9 * tone(1), -tone(1)], 1), 1),
    "one is half as loud": (np.stack([tone(1), -0.6 * tone(1)], 1), 0),
    "four": (np.stack([tone(1), -tone(1), 1.01 * tone(1), -tone(1)], 1), 2),
    "longer than a block": (np.stack([tone(13), -0.99 * tone(13)], 1), 0)}


@pytest.mark.parametrize("name", OPPOSITE)
def test_channels_that_cancel_are_not_averaged(name: str, tmp_path: Path) -> None:
    channels, kept = OPPOSITE[name]
    for given in (write(tmp_path / "a.wav", channels, subtype="FLOAT"),
                  io.BytesIO((tmp_path / "a.wav").read_bytes())):
        np.testing.assert_allclose(load_audio(given), channels[:, kept], atol=1e-7)


@pytest.mark.parametrize("channels", [rises(1, 2), rises(1, 8), rises(1, 2) * [1, 0],
                                      np.zeros((24_000, 2))])
def test_channels_that_differ_are_averaged(channels: np.ndarray, tmp_path: Path) -> None:
    samples = load_audio(write(tmp_path / "a.wav", channels.astype("f4"), subtype="FLOAT"))
    np.testing.assert_allclose(samples, channels.mean(1), atol=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_file_in_memory_is_that_file(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, tone(1))
    memory = io.BytesIO(path.read_bytes())
    memory.seek(0, io.SEEK_END)  # as after writing
    assert np.array_equal(load_audio(memory), load_audio(path))
    with pytest.raises(ValueError, match="the audio in memory is an empty file"):
        load_audio(io.BytesIO())
    with pytest.raises(ValueError, match="the audio in memory cannot be read as audio"):
        load_audio(io.BytesIO(TEXT))


def m4a(path: Path, samples: np.ndarray, rate: int) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=rate, layout="mono")
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start: start + 1024], "fltp", "mono")
            frame.sample_rate = rate
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_m4a(rate: int, tmp_path: Path) -> None:
    path = m4a(tmp_path / "a.m4a", tone(2, rate), rate)
    for given in (path, io.BytesIO(path.read_bytes())):
        samples = load_audio(given)
        assert len(samples) == pytest.approx(48_000, abs=3_000)
        assert 0.15 < samples.std() < 0.25
    assert "limit is 1 s" in refused(path, max_seconds=1)
    whole = path.read_bytes()
    path.write_bytes(whole[:300])
    assert "cannot be read as audio" in refused(path)
    unknown = whole.replace(b"mp4a", b"xxxx").replace(b"\x17\x40\x15", b"\x17\x00\x15")
    path.write_bytes(unknown)  # coded in a way that nobody knows
    assert "no sound that can be decoded" in refused(path)


def test_bare_aac(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "a.aac").write_bytes(encoded("aac", tone(2), 24_000, {}))
    samples = load_audio(tmp_path / "a.aac")
    assert len(samples) == pytest.approx(48_000, abs=3_000) and 0.15 < samples.std() < 0.25


def test_what_begins_like_m4a_cannot_have_anything_opened(tmp_path: Path) -> None:
    """libav takes this for a session description, if it may guess, and waits at the port."""
    pytest.importorskip("av")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "a.m4a"
    path.write_text(f"AAAAftypjp2 \nv=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {port} RTP/AVP 0\r\n")
    started = time.monotonic()
    assert "cannot be read as audio" in refused(path)
    assert time.monotonic() - started < 20


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    told = {"title": "a", "artist": "b", "comment": "c", "date": "2026"}
    for suffix in WRITTEN:
        save_audio(tmp_path / f"a{suffix}", tone(1), 24_000, told)
        assert read_tags(tmp_path / f"a{suffix}").items() >= told.items()
    assert read_tags(write(tmp_path / "b.wav", tone(1))) == {}
    with pytest.raises(FileNotFoundError, match="check the path"):
        read_tags(tmp_path / "none.wav")
    (tmp_path / "c.wav").touch()
    with pytest.raises(ValueError, match="empty file"):
        read_tags(tmp_path / "c.wav")


def test_m4a_without_pyav_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = m4a(tmp_path / "a.m4a", tone(1), 24_000)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r"a\.m4a .*pip install av, or convert it: ffmpeg"):
        load_audio(path)


# --- refusals --------------------------------------------------------------------------------

def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no audio file at .*nothing.wav: check the path"):
        load_audio(tmp_path / "nothing.wav")


def test_folder(tmp_path: Path) -> None:
    assert "not a file" in refused(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert "empty file" in refused(tmp_path / "a.wav")


def test_no_samples(tmp_path: Path) -> None:
    assert "no samples" in refused(write(tmp_path / "a.wav", np.zeros(0, "f4")))


@pytest.mark.parametrize("name", ["a.wav", "a.txt", "a.raw", "a.gsm", "a.vox", "a.mp3"])
def test_text_given_as_audio(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(TEXT)
    assert "cannot be read as audio" in refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_only_the_first_bytes_of_a_sound(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, tone(1))
    path.write_bytes(path.read_bytes()[:30])
    assert "give a WAV, FLAC" in refused(path)


def test_damaged_middle_never_gives_bad_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", speechlike(3))
    content = bytearray(path.read_bytes())
    content[20_000:60_000] = bytes(40_000)
    path.write_bytes(content)
    try:
        samples = load_audio(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(samples).all() and np.abs(samples).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(tmp_path: Path, value: float) -> None:
    samples = tone(1)
    samples[5_000] = value
    assert "NaN or infinite" in refused(write(tmp_path / "a.wav", samples, subtype="FLOAT"))


def test_absurd_sample_rate(tmp_path: Path) -> None:
    assert "convert it" in refused(write(tmp_path / "a.wav", tone(1), 100))


def test_three_hours_are_refused_by_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", np.zeros((10, 2), "f4"), 48_000)
    header = bytearray(path.read_bytes()[:44])
    size = 3 * 3600 * 48_000 * 4
    header[4:8], header[40:44] = (36 + size).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(44 + size)  # two gigabytes, sparse
    tracemalloc.start()
    began = time.perf_counter()
    text = refused(path)
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "lasts 10800.0 s, the limit is 30 s" in text
    assert seconds < 0.2 and peak < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("rate, channels", [(8_000, 1), (192_000, 2), (48_000, 8), (655_350, 8)])
def test_an_hour_in_a_few_bytes_is_refused_while_it_is_decoded(rate: int, channels: int,
                                                               tmp_path: Path) -> None:
    seconds = 130
    with soundfile.SoundFile(tmp_path / "a.flac", "w", rate, channels) as file:
        for _ in range(seconds):
            file.write(np.zeros((rate, channels), np.int16))
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21], content[22:26] = content[21] & 0xF0, bytes(4)  # the length is not stated
    (tmp_path / "a.flac").write_bytes(content)
    tracemalloc.start()
    began = time.perf_counter()
    refused(tmp_path / "a.flac", max_seconds=10)
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 5 and peak < 50e6


def test_length_missing_in_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "streamed.flac", tone(3))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # 36 bits of STREAMINFO: the number of samples; 0 is 'unknown'
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert soundfile.info(path).frames > 10**15
    assert load_audio(path).shape == (72_000,)
    assert "longer than its header says" in refused(path, max_seconds=2)


def test_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1))
    content = bytearray(path.read_bytes())
    content[40:44] = (2**32 - 1).to_bytes(4, "little")  # what a streaming writer leaves
    path.write_bytes(content)
    assert load_audio(path).shape == (24_000,)


def test_limit_is_exact(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(2))
    assert load_audio(path, max_seconds=2).shape == (48_000,)
    assert "lasts 2.0 s, the limit is 1.99 s" in refused(path, max_seconds=1.99)


# --- writing ---------------------------------------------------------------------------------

def test_save_makes_parents_clips_and_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.wav"
    save_audio(path, 5 * tone(1), 24_000)
    info = soundfile.info(path)
    found = (info.format, info.subtype, info.samplerate, info.channels)
    assert found == ("WAV", "PCM_16", 24_000, 1)
    np.testing.assert_allclose(load_audio(path), np.clip(5 * tone(1), -1, 1), atol=1e-4)
    assert [p.name for p in path.parent.iterdir()] == ["a.wav"]


def test_same_samples_same_bytes(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        save_audio(tmp_path / name, speechlike(1), 24_000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@pytest.mark.parametrize("name, error", [("a.wav", 1e-4), ("a.flac", 1e-4), ("a.ogg", 0.05),
                                         ("a.opus", 0.05), ("a.mp3", 0.05), ("A.FLAC", 1e-4)])
def test_the_suffix_is_the_format(name: str, error: float, tmp_path: Path) -> None:
    save_audio(tmp_path / name, tone(1.5))
    kind = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "opus": "OGG", "mp3": "MP3"}
    assert soundfile.info(tmp_path / name).format == kind[name[2:].lower()]
    samples = load_audio(tmp_path / name)
    assert abs(len(samples) - 36_000) < 3_000
    if len(samples) == 36_000:
        assert np.abs(samples - tone(1.5))[4_000:-4_000].max() < error


@pytest.mark.parametrize("name", ["a.m4a", "a.aac", "a.txt", "a", "a.wav.json", ".wav"])
def test_other_suffixes_are_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"cannot write .*{name}: .*.wav, .flac, .ogg, .opus or"):
        save_audio(tmp_path / name, tone(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("samples", [np.zeros((2, 100), "f4"), np.zeros(0, "f4"),
                                     np.full(100, np.nan, "f4")])
def test_bad_samples_are_not_written(tmp_path: Path, samples: np.ndarray) -> None:
    with pytest.raises(ValueError):
        save_audio(tmp_path / "a.wav", samples, 24_000)
    assert not list(tmp_path.iterdir())


def test_no_place_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "device.wav").symlink_to("/dev/null")
    before = sorted(tmp_path.iterdir())
    for name in ("folder.wav", "file/a.wav", "device.wav"):
        with pytest.raises(OSError, match=f"cannot write {tmp_path / name}: .*another place"):
            save_audio(tmp_path / name, tone(1), 24_000)
    assert sorted(tmp_path.iterdir()) == before and Path("/dev/null").is_char_device()


def child(code: str, *arguments: str) -> str:
    """What another Python prints, run in the repository root."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_full_disk_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="file size limits are Unix only")
    save_audio(tmp_path / "old.wav", tone(0.1), 24_000)
    before = (tmp_path / "old.wav").read_bytes()
    code = """
import resource, sys, numpy as np
from codec import save_audio
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
for name in ("old.wav", "new.wav"):
    try:
        save_audio(f"{sys.argv[1]}/{name}", np.ones(24_000, "f4"), 24_000)
    except OSError as error:
        print(error)
"""
    lines = child(code, str(tmp_path)).splitlines()
    assert len(lines) == 2 and all("cannot write" in line and "space" in line for line in lines)
    assert [p.name for p in tmp_path.iterdir()] == ["old.wav"]
    assert (tmp_path / "old.wav").read_bytes() == before


def test_unwritable_folder(tmp_path: Path) -> None:
    code = """
import os, sys, numpy as np
from codec import save_audio
os.chmod(sys.argv[1], 0o500)
if os.geteuid() == 0:
    os.seteuid(65_534)  # root may write anywhere
try:
    save_audio(f"{sys.argv[1]}/a.wav", np.ones(100, "f4"), 24_000)
except OSError as error:
    print(error)
"""
    text = child(code, str(tmp_path))
    tmp_path.chmod(0o700)
    assert "cannot write" in text and "Permission denied" in text
    assert not list(tmp_path.iterdir())


def test_importing_codec_is_quick_and_needs_no_torch() -> None:
    assert child("import codec, sys; print('torch' in sys.modules)") == "False\n"
