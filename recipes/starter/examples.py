#!/usr/bin/env python3
"""The prompts in examples/: three synthetic voices that the starter never heard, about 3.5 s each.

  python recipes/starter/examples.py examples
"""
from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from teachers import Clip, speak

from codec import load_audio, save_audio

VOICES = {
    "alto": ("slt", .94, 204, "The harbour was quiet, and the last of the boats had come home."),
    "tenor": ("awb", 1.03, 142, "We walked along the river until the lights of the town appeared."),
    "bass": ("rms", 1.07, 98, "Every morning he opened the old shop and swept the floor."),
}


def main(out: Path) -> None:
    for number, (name, (voice, formants, pitch, text)) in enumerate(VOICES.items()):
        with tempfile.TemporaryDirectory() as folder:
            clip = Clip(Path(folder), voice, formants, pitch, number, text)
            if not speak(clip):
                raise SystemExit(f"flite did not say {text!r} as it should")
            save_audio(out / f"{name}.wav", load_audio(clip.path, 16_000), 16_000)
        (out / f"{name}.txt").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
