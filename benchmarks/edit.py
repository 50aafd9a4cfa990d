#!/usr/bin/env python3
"""How an edited recording is understood and how it joins, and what conversion keeps.

  python benchmarks/edit.py LibriSpeech/dev-clean --speakers 1088 2136 --items 40

Recordings of 3 to 10 s, as many of each speaker. Edited: one word in the middle becomes another.
Converted: into the voice of the next speaker. Words by Whisper tiny.en, likeness by Resemblyzer,
neither of which took part in anything here; pitch by Praat. Level and pitch jump at a join are
those between the 40 ms before it and behind it, beside those at the same places of the recordings.
"""
from __future__ import annotations

import argparse
import random
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import parselmouth
from numpy.typing import NDArray
from transcript import errors, prompts

from codec.audio import SAMPLE_RATE, Samples
from valle import VALLE
from valle.recognizer.whisper import Whisper
from valle.speaker.encoder import ENCODERS, cosine
from valle.synthesis.edit import FADE

OTHERS = ("window", "letter", "garden", "morning", "river", "money", "winter", "doctor", "kitchen",
          "silver", "station", "paper")
LEAST_LETTERS = 4
BESIDE = 0.04  # seconds
STEP = 0.01    # seconds between two values of the pitch


def pitch(samples: Samples) -> NDArray[np.float64]:
    """f0 in semitones every STEP seconds, NaN where there is none."""
    found = parselmouth.Sound(samples.astype(np.float64), SAMPLE_RATE).to_pitch(STEP)
    hertz = found.selected_array["frequency"]
    before = np.full(round(found.xs()[0] / STEP), 0.0)
    hertz = np.concatenate([before, hertz])
    return 12 * np.log2(np.where(hertz > 0, hertz, np.nan) / 100)


def jumps(samples: Samples, f0: NDArray[np.float64], time: float) -> tuple[float, float]:
    """(dB, semitones) between what is just before a time and just behind it."""
    at, size = round(time * SAMPLE_RATE), round(BESIDE * SAMPLE_RATE)
    before, behind = (10 * np.log10(np.square(part).mean() + 1e-6) for part in (
        samples[max(0, at - size): at], samples[at: at + size]))
    place, reach = round(time / STEP), round(BESIDE / STEP)
    a, b = f0[max(0, place - reach): place], f0[place: place + reach]
    moved = (abs(np.nanmean(a) - np.nanmean(b))
             if np.isfinite(a).any() and np.isfinite(b).any() else np.nan)
    return abs(before - behind), moved


def changed(text: str, rng: random.Random) -> tuple[str, str]:
    """(the text with a word from its middle changed, that word)."""
    said = text.split()
    third = range(len(said) // 3, max(len(said) // 3 + 1, 2 * len(said) // 3))
    place = rng.choice([i for i in third if len(said[i]) >= LEAST_LETTERS] or list(third))
    new = rng.choice([word for word in OTHERS if word not in said])
    return " ".join([*said[:place], new, *said[place + 1:]]), new


def share(rows: Sequence[tuple[int, int]]) -> float:
    wrong, total = np.sum(rows, axis=0)
    return float(wrong / total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--speakers", nargs="+", required=True)
    parser.add_argument("--items", type=int, default=40)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tts, judge, rng = VALLE.from_pretrained("starter"), Whisper("tiny.en"), random.Random(0)
    encoder = ENCODERS.load("resemblyzer")
    each = -(-options.items // len(options.speakers))
    of = {speaker: list(prompts(options.root, speaker, each)) for speaker in options.speakers}
    voices = {speaker: tts.encode_prompt((found[0][0], SAMPLE_RATE), found[0][1])
              for speaker, found in of.items()}
    likeness = {speaker: encoder(found[0][0], SAMPLE_RATE) for speaker, found in of.items()}
    own, edited, converted = [], [], []
    heard, outside, joins, sims, melody = 0, 0, [], [], []
    for place, speaker in enumerate(options.speakers):
        target = options.speakers[(place + 1) % len(options.speakers)]
        for samples, text in of[speaker]:
            own.append(errors(text, judge(samples, SAMPLE_RATE)))
            to, word = changed(text, rng)
            found = tts.edit((samples, SAMPLE_RATE), to, text=text)
            [one] = found.patches
            new = found.applied_to(samples[:, None], SAMPLE_RATE)[:, 0]
            said = judge(new, SAMPLE_RATE)
            edited.append(errors(to, said))
            heard += word in said
            start = round(one.start * SAMPLE_RATE)
            rest = len(samples) - round(one.end * SAMPLE_RATE) - round(FADE * SAMPLE_RATE)
            outside += int((samples[:start] != new[:start]).sum()) + int(
                (samples[len(samples) - rest:] != new[len(new) - rest:]).sum())
            before, behind = pitch(samples), pitch(new)
            length = len(new) / SAMPLE_RATE - len(samples) / SAMPLE_RATE + one.end
            joins.append([*jumps(samples, before, one.start), *jumps(samples, before, one.end),
                          *jumps(new, behind, one.start), *jumps(new, behind, length)])
            audio = tts.convert((samples, SAMPLE_RATE), text=text, prompt=voices[target])
            converted.append(errors(text, judge(audio.samples, SAMPLE_RATE)))
            like = encoder(audio.samples, SAMPLE_RATE)
            sims.append((cosine(like, likeness[target]), cosine(like, likeness[speaker])))
            now = pitch(audio.samples)
            size = min(len(before), len(now))
            both = np.isfinite(before[:size]) & np.isfinite(now[:size])
            melody.append(np.corrcoef(before[:size][both], now[:size][both])[0, 1])
            print(text, to, " ".join(said), sep=" | ", flush=True)
    level = np.array(joins)[:, 0::2].reshape(-1, 2, 2).mean((0, 2))
    moved = np.nanmedian(np.array(joins)[:, 1::2].reshape(-1, 2, 2), axis=(0, 2))
    print(f"\n{len(own)} recordings, WER {share(own):.3f}\n\n| edited | |\n|---|---:|\n"
          f"| WER of the whole | {share(edited):.3f} |\n| the new word is heard | "
          f"{heard / len(own):.0%} |\n| samples outside that changed | {outside} |\n"
          f"| level jump at the joins, dB (the recordings: {level[0]:.1f}) | {level[1]:.1f} |\n"
          f"| pitch jump, semitones, median (the recordings: {moved[0]:.1f}) | {moved[1]:.1f} |\n\n"
          f"| converted | |\n|---|---:|\n| WER | {share(converted):.3f} |\n"
          f"| SIM with the target | {np.mean(sims, 0)[0]:.3f} |\n| SIM with the speaker | "
          f"{np.mean(sims, 0)[1]:.3f} |\n| correlation of the pitch | {np.nanmean(melody):.2f} |")


if __name__ == "__main__":
    main()
