"""Short recordings with texts, for the tests that read corpora."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def speak(path: Path, seconds: float = 0.6, pitch: float = 120.0, lead: float = 0.3) -> Path:
    """A buzz between two silences: `lead` s, `seconds` s, 0.3 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9)) * 0.1
    silence = np.zeros(round(0.3 * RATE))
    soundfile.write(path, np.concatenate([np.zeros(round(lead * RATE)), voice, silence]), RATE)
    return path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def many(root: Path, count: int, text: str | None = "A word.") -> Path:
    """A plain corpus of `count` short recordings by four speakers."""
    for i in range(count):
        path = speak(root / f"s{i % 4}" / f"{i:03d}.wav", 0.4 + 0.01 * (i % 7), 90 + 10 * (i % 4))
        if text is not None:
            write(path.with_suffix(".txt"), text)
    return root


def make_librispeech(root: Path) -> None:
    speak(root / "train-clean-5" / "19" / "198" / "19-198-0000.flac")
    speak(root / "train-clean-5" / "19" / "198" / "19-198-0001.flac")
    write(root / "train-clean-5" / "19" / "198" / "19-198.trans.txt",
          "19-198-0000 IT'S A WORD\n19-198-0001 ANOTHER\n")
    speak(root / "single" / "26" / "26-495-0000.ogg")


def make_libritts(root: Path) -> None:
    base = root / "dev-clean" / "84" / "121123" / "84_121123_000007_000001"
    speak(base.with_suffix(".wav"))
    write(base.parent / (base.name + ".original.txt"), "Chapter 7.")
    write(base.parent / (base.name + ".normalized.txt"), "Chapter seven.")


def make_ljspeech(root: Path) -> None:
    speak(root / "wavs" / "LJ001-0001.wav")
    write(root / "metadata.csv", 'LJ001-0001|In 1455, "|In fourteen fifty-five, "\n'
                                 "LJ001-0002|not here|not here\n")


def make_vctk(root: Path) -> None:
    for name in ("p225_001_mic1", "p225_001_mic2", "p225_002_mic2"):
        speak(root / "wav48_silence_trimmed" / "p225" / f"{name}.flac")
    write(root / "txt" / "p225" / "p225_001.txt", "Please call Stella.\n")


def make_commonvoice(root: Path) -> None:
    speak(root / "de" / "clips" / "common_voice_de_1.mp3")
    write(root / "de" / "validated.tsv", "client_id\tpath\tsentence\tlocale\n"
          'ab12\tcommon_voice_de_1.mp3\tEr sagte: "Ja.\tde\n'
          "ab12\tcommon_voice_de_2.mp3\tfehlt\tde\n")


def make_kaldi(root: Path) -> None:
    speak(root / "WAVE" / "SPEAKER0024" / "000240010.WAV")
    speak(root / "WAVE" / "SPEAKER0024" / "000240031.flac")
    write(root / "train" / "wav.scp", "000240010 WAVE/SPEAKER0024/000240010.WAV\n"
          "000240031 flac -c -d -s WAVE/SPEAKER0024/000240031.flac |\n")
    write(root / "train" / "utt2spk", "000240010 0024\n000240031 0024\n")
    write(root / "train" / "text", "000240010 IT WAS GOOD\n000240031 Mixed case\n")


def make_plain(root: Path) -> None:
    path = speak(root / "anna" / "one.wav")
    write(path.with_suffix(".txt"), "A word.\n")
    write(path.with_suffix(".phones"), " \t0.3\nɐ\t0.4\n \t0.4\nw\t0.9\n.\t1.2\n")
