"""Clips of many speakers from corpus folders at 16 kHz, in memory; no preparation is needed."""
from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.speech import trim_silence
from valle.data.corpora import read_corpus
from valle.data.loading import load_whole
from valle.data.recording import summary
from valle.features.fbank import SAMPLE_RATE
from valle.features.progress import progress, say

Pcm = NDArray[np.int16]
LEAST_SECONDS = 1.0  # of speech: less says too little of a voice


@dataclass(frozen=True)
class Clip:
    """One recording of one speaker.

    Attributes:
        id: unique among all corpora that are read together.
        corpus: name of its corpus; recordings of different corpora differ in more than the voice.
        text: what is said, or None where the corpus does not say.
        pcm: int16 [N] at 16 kHz without silence at the ends; empty until loaded.
    """

    id: str
    speaker: str
    corpus: str
    path: Path
    text: str | None = None
    pcm: Pcm = field(default_factory=lambda: np.zeros(0, np.int16), compare=False, repr=False)

    @property
    def samples(self) -> NDArray[np.float32]:
        """The loaded audio [N] in [-1, 1]."""
        return self.pcm.astype(np.float32) / np.float32(32768)


def find_clips(folders: Sequence[Path]) -> list[Clip]:
    """Usable recordings below corpus folders (see valle.data.corpora), in a fixed order.

    A recording that a corpus holds twice is taken once; what is left out is counted in a line.

    Raises:
        FileNotFoundError, ValueError: a folder is missing or not a corpus, or two have one name.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ValueError(f"folders of the same name in --data ({', '.join(names)}): clips could "
                         "not be told apart, rename one or give the folder above")
    found: dict[str, Clip] = {}
    for corpus, folder in zip(names, folders, strict=True):
        read = read_corpus(folder)
        if left_out := summary(item.cause for item in read.left_out):
            say(f"{folder}: left out {left_out}; `valle prepare` names each")
        for recording in read:
            if recording.problem is None:
                name = f"{corpus}/{recording.id}"
                found.setdefault(name, Clip(name, recording.speaker, corpus, recording.audio,
                                            recording.text))
    return list(found.values())


def by_speaker(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Clips of each speaker, speakers and clips in the order of their first appearance."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.speaker, []).append(clip)
    return groups


def load_clip(clip: Clip) -> Clip | None:
    """The clip with its audio; None where it cannot be read or holds too little speech."""
    pcm = _speech(clip.path)
    return None if pcm is None else dataclasses.replace(clip, pcm=pcm)


def load_clips(clips: Sequence[Clip], max_hours: float = float("inf"), seed: int = 0) -> list[Clip]:
    """Clips with their audio, in the order given; a seeded part of them where there is more.

    Those that cannot be read, or hold less than a second of speech, are left out and counted.
    """
    loaded = read_audio([clip.path for clip in clips], _speech, SAMPLE_RATE, max_hours, seed)
    return [dataclasses.replace(clips[index], pcm=loaded[index]) for index in sorted(loaded)]


def read_audio(paths: Sequence[Path], load: Callable[[Path], Pcm | None], sample_rate: int,
               max_hours: float, seed: int) -> dict[int, Pcm]:
    """What `load` gives for each path, by the path's place, in a seeded order up to max_hours.

    load: a file to int16 [N] at `sample_rate`, or None; files that give None are counted.
    """
    order = np.random.default_rng(seed).permutation(len(paths))
    loaded: dict[int, Pcm] = {}
    samples = broken = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress(total=len(paths), desc="audio",
                                                              unit="clips") as bar:
        for first in range(0, len(order), 128):
            if samples >= max_hours * 3600 * sample_rate:
                break
            few = order[first: first + 128].tolist()
            for index, pcm in zip(few, pool.map(load, [paths[i] for i in few]), strict=True):
                if pcm is None:
                    broken += 1
                else:
                    loaded[index] = pcm
                    samples += len(pcm)
            bar.update(len(few))
    say(f"{samples / 3600 / sample_rate:.2f} h in {len(loaded)} clips, {broken} left out")
    return loaded


def _speech(path: Path) -> Pcm | None:
    """A file at 16 kHz without silence at the ends; None without a second of speech."""
    try:
        samples = load_whole(path, SAMPLE_RATE)
    except (ValueError, OSError):
        return None
    start, end = trim_silence(samples, SAMPLE_RATE)
    if end - start < LEAST_SECONDS * SAMPLE_RATE:
        return None
    return (samples[start:end].clip(-1, 1) * 32767).astype(np.int16)


def crop(samples: NDArray[np.float32], size: int, start: float = 0.0) -> NDArray[np.float32]:
    """`size` samples of a clip [N]; a shorter one is repeated.

    start: where the piece begins, 0 at the beginning of the clip to 1 as late as can be.
    """
    if len(samples) < size:
        samples = np.tile(samples, -(-size // len(samples)))
    first = round(start * (len(samples) - size))
    return samples[first: first + size]
