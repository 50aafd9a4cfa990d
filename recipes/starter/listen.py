"""Timings of real English speech: PocketSphinx aligns our own espeak phones.

    python recipes/starter/listen.py FOLDER [FOLDER ...]

The folders were written by `valle prepare`. Every word goes into the recogniser's dictionary as
espeak pronounces it, so that each of its phones is one of ours; the durations go into the manifest.
A clip that the recogniser cannot align keeps none; one that is timed stays as it is. This teaches
the aligner what real speech is like, the way flite's exact timings (timings.py) teach it synthetic
speech.
"""
from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soxr
from pocketsphinx import Decoder
from tqdm import tqdm

from codec.audio import SAMPLE_RATE
from g2p import BOUNDARIES
from valle.data.manifest import (
    MANIFEST,
    Utterance,
    load_samples,
    read_info,
    read_manifest,
    write_manifest,
)
from valle.data.workers import pool
from valle.features.timings import frame_durations
from valle.recognizer.sphinx import ARPABET

RATE, HOP = 16000, 0.01  # of PocketSphinx: samples and seconds per frame


class Listener:
    """A PocketSphinx decoder to which every clip brings its own words."""

    def __init__(self) -> None:
        self.decoder = Decoder(lm=None, bestpath=False, loglevel="FATAL",
                               beam=1e-80, wbeam=1e-60, pbeam=1e-80)

    def times(self, samples: np.ndarray, phones: Sequence[str],
              ) -> list[tuple[float, float]] | None:
        """Start and end in seconds of every phone in audio [N] at 16 kHz, boundaries left out.

        None where words and audio do not fit, KeyError at a phone that English does not have.
        """
        words = [list(group) for boundary, group in itertools.groupby(
            phones, key=lambda phone: phone in BOUNDARIES) if not boundary]
        spellings = [[ARPABET[phone.lstrip("ˈˌ")].split() for phone in word] for word in words]
        names = ["-".join(itertools.chain(*spelling)) for spelling in spellings]
        for name in names:
            if self.decoder.lookup_word(name) is None:
                self.decoder.add_word(name, name.replace("-", " "), True)
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        self.decoder.set_align_text(" ".join(names))
        self._hear(pcm)
        if self.decoder.hyp() is None:
            return None
        self.decoder.set_alignment()  # and now the phones within the words
        self._hear(pcm)
        heard = [(word.name, [(s.start * HOP, (s.start + s.duration) * HOP) for s in word])
                 for word in self.decoder.get_alignment() or [] if word.name[0] not in "<[+"]
        if [name for name, _ in heard] != names:
            return None
        times = []
        for spelling, (_, segments) in zip(spellings, heard, strict=True):
            left = iter(segments)
            for spelled in spelling:
                taken = [next(left) for _ in spelled]
                times.append((taken[0][0], taken[-1][1]))
        return times

    def _hear(self, pcm: bytes) -> None:
        self.decoder.start_utt()
        self.decoder.process_raw(pcm, full_utt=True)
        self.decoder.end_utt()


def durations(times: Sequence[tuple[float, float]], phones: Sequence[str], n_frames: int,
              frame_rate: float) -> list[int]:
    """Codec frames of every phone, boundaries with the time between words; they sum to n_frames.

    A pause without a boundary to hold it goes to the phone before it. ValueError: no room for all.
    """
    spoken = [i for i, phone in enumerate(phones) if phone not in BOUNDARIES]
    ends = np.zeros(len(phones))
    for (start, end), i in zip(times, spoken, strict=True):
        ends[i] = end
        if i:
            ends[i - 1] = start
    return frame_durations(phones, ends.tolist(), n_frames, frame_rate)


LISTENER: list[Listener] = []  # one for each process


def listen(utterance: Utterance, frame_rate: float) -> list[int] | None:
    """Durations of one utterance, None where there is no text or it does not fit."""
    if utterance.durations:
        return utterance.durations
    if not utterance.phones or set(utterance.phones) <= set(BOUNDARIES):
        return None
    if not LISTENER:
        LISTENER.append(Listener())
    samples = soxr.resample(load_samples(utterance), SAMPLE_RATE, RATE)
    try:
        times = LISTENER[0].times(samples, utterance.phones)
        return times and durations(times, utterance.phones, utterance.frames, frame_rate)
    except (KeyError, RuntimeError, ValueError):  # a foreign phone; PocketSphinx gave up; no room
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders written by `valle prepare`")
    for folder in parser.parse_args().folders:
        utterances = list(read_manifest(folder / MANIFEST))
        timed_by = partial(listen, frame_rate=read_info(folder)["spec"].frame_rate)
        with pool() as processes:
            found = list(tqdm(processes.map(timed_by, utterances, chunksize=8),
                              total=len(utterances), desc=str(folder), unit="clip"))
        timed = [dataclasses.replace(u, durations=d, score=None)
                 for u, d in zip(utterances, found, strict=True)]
        write_manifest(folder / MANIFEST, timed)
        print(f"{folder}: {sum(d is not None for d in found)} of "
              f"{sum(bool(u.phones) for u in utterances)} clips with text are timed")


if __name__ == "__main__":
    main()
