#!/usr/bin/env python3
"""What a prompt's own words are worth: given, heard by Whisper base, and heard by PocketSphinx.

  python benchmarks/transcript.py LibriSpeech/dev-clean --speakers 1088 2136

Prompts of 3 to 6 s, as many of each speaker; one sentence is spoken with each of the three
transcripts, with the same seed. WER of the transcript; WER of the speech by Whisper tiny.en and its
likeness to the prompt by Resemblyzer, neither of which took part in anything here.
"""
from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import numpy as np

from codec.audio import SAMPLE_RATE, Samples, load_audio
from valle import VALLE
from valle.evaluate.wer import comparable, word_errors
from valle.features.text import words
from valle.recognizer.transcriber import Transcriber
from valle.recognizer.whisper import Whisper
from valle.speaker.encoder import ENCODERS, cosine

TEXT = "The old clock on the stairs had stopped, and nobody could say who had wound it last."
WAYS = ("given", "base", "pocketsphinx")
SHORTEST, LONGEST = 3, 6  # seconds


def prompts(root: Path, speaker: str, many: int) -> Iterator[tuple[Samples, str]]:
    """(samples [N] at 24 kHz, words) of a speaker's first recordings of the right length."""
    for table in sorted((root / speaker).rglob("*.trans.txt")):
        for line in table.read_text(encoding="utf-8").splitlines():
            name, text = line.split(" ", 1)
            samples = load_audio(next(table.parent.glob(f"{name}.*")))
            if many and SHORTEST <= len(samples) / SAMPLE_RATE <= LONGEST:
                many -= 1
                yield samples, text.lower()


def errors(text: str, heard: list[str]) -> tuple[int, int]:
    """(words that are wrong, words)."""
    found = word_errors(*comparable(words(text), heard))
    return found.count, found.total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--speakers", nargs="+", required=True)
    parser.add_argument("--prompts", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tts, judge = VALLE.from_pretrained("starter"), Whisper("tiny.en")
    encoder = ENCODERS.load("resemblyzer")
    transcribers = {way: Transcriber(way) for way in WAYS[1:]}
    each = -(-options.prompts // len(options.speakers))
    chosen = [prompt for speaker in options.speakers
              for prompt in prompts(options.root, speaker, each)][: options.prompts]
    rows: dict[str, list[tuple[int, int, int, int, float]]] = {way: [] for way in WAYS}
    for samples, text in chosen:
        target = encoder(samples, SAMPLE_RATE)
        for way, row in rows.items():
            tts.transcriber = transcribers.get(way, tts.transcriber)
            voice = tts.encode_prompt((samples, SAMPLE_RATE), text if way == "given" else None)
            audio = tts.speak(TEXT, prompt=voice)
            row.append((*errors(text, words(voice.text)),
                        *errors(TEXT, judge(audio.samples, audio.sample_rate)),
                        cosine(encoder(audio.samples, audio.sample_rate), target)))
        print(text, *(row[-1] for row in rows.values()), sep=" | ", flush=True)
    print(f"\n| transcript of {len(chosen)} prompts | its WER | WER of the speech | SIM |"
          "\n|---|---:|---:|---:|")
    for way, row in rows.items():
        wrong, total, missed, said, _ = np.sum(row, axis=0)
        print(f"| {way} | {wrong / total:.3f} | {missed / said:.3f} | "
              f"{fmean(sim for *_, sim in row):.3f} |")


if __name__ == "__main__":
    main()
