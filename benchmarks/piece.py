#!/usr/bin/env python3
"""What the best piece of a long recording is worth beside its first eight seconds.

  python benchmarks/piece.py CORPORA/LibriSpeech/train-clean-5

Recordings of over 13 s, one of each speaker, as they are and with noise over their first half. Each
way's codes are decoded again in their own voice and compared, by Resemblyzer, with another
recording of the speaker.
"""
from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import numpy as np
from damage import noise

from codec.audio import SAMPLE_RATE, Samples, load_audio
from g2p import BOUNDARIES, phonemize
from valle import VALLE
from valle.data.corpora import read_corpus
from valle.speaker.encoder import ENCODERS, cosine
from valle.synthesis.piece import Aligned
from valle.synthesis.voice import MAX_PROMPT_SECONDS

SHORTEST, LANGUAGE = 13.0, "en-us"


def recordings(root: Path, many: int) -> Iterator[tuple[Samples, str, Samples]]:
    """(a long recording [N] at 24 kHz, its words, another one) of every other speaker."""
    speakers: dict[str, list[tuple[Path, str]]] = {}
    for one in read_corpus(root):
        speakers.setdefault(one.speaker, []).append((one.audio, one.text or ""))
    for name in sorted(speakers)[::2][:many]:
        for (path, text), (other, _) in zip(speakers[name], speakers[name][1:], strict=False):
            samples = load_audio(path)
            if len(samples) > SHORTEST * SAMPLE_RATE:
                yield samples, text, load_audio(other)
                break


def beginning(samples: Samples, text: str, tts: VALLE) -> tuple[Samples, str]:
    """The first eight seconds, up to the end of a word, and their words."""
    phones = phonemize(text, LANGUAGE)
    aligner = tts.model.aligner
    assert aligner is not None
    whole = Aligned(samples, phones, aligner.durations(samples, phones))
    ends = np.cumsum(whole.durations) / aligner.spec.frame_rate
    last = max(i for i, phone in enumerate(phones)
               if phone in BOUNDARIES and ends[i] <= MAX_PROMPT_SECONDS)
    return samples[: round(ends[last] * SAMPLE_RATE)], whole.words(text, LANGUAGE, 0, last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--speakers", type=int, default=10)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tts, encoder = VALLE.from_pretrained("starter", "cpu"), ENCODERS.load("resemblyzer")
    codec = tts.model.codec
    likeness: dict[tuple[str, str], list[float]] = {}
    for samples, text, other in recordings(options.root, options.speakers):
        target, half = encoder(other, SAMPLE_RATE), len(samples) // 2
        spoiled = np.concatenate([noise(samples[:half], np.random.default_rng(0)), samples[half:]])
        for kind, given in (("as it is", samples), ("noise in the first half", spoiled)):
            for way, (taken, words) in (("first 8 s", beginning(given, text, tts)),
                                        ("best piece", (given, text))):
                codes = tts.encode_prompt((taken, SAMPLE_RATE), words).codes[None]
                heard = codec.decode(codes, voice=codes)[0, 0].cpu().numpy()
                likeness.setdefault((kind, way), []).append(
                    cosine(encoder(heard, codec.sample_rate), target))
        print({key: round(values[-1], 3) for key, values in likeness.items()}, flush=True)
    for (kind, way), values in likeness.items():
        print(f"| {kind} | {way} | {fmean(values):.3f} |")


if __name__ == "__main__":
    main()
