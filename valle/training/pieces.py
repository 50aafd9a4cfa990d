"""Training pieces: augmented parts of the clips of many speakers."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from valle.data.clips import Clip, by_speaker, crop
from valle.features.augment import Augmentation, Samples, change_speed


class Pieces:
    """Loaded clips by speaker, cut to pieces of `size` samples at 16 kHz.

    Attributes:
        names: speakers; elsewhere a speaker is his place in this list.
        speaker: that of each clip [M].
        of_speaker: clips of each speaker.
    """

    def __init__(self, clips: Sequence[Clip], size: int, augmentation: Augmentation) -> None:
        self.clips, self.size, self.augmentation = clips, size, augmentation
        self.names = list(by_speaker(clips))
        number = {name: index for index, name in enumerate(self.names)}
        self.speaker = np.array([number[clip.speaker] for clip in clips], np.int64)
        self.of_speaker = [np.flatnonzero(self.speaker == i) for i in range(len(self.names))]

    def draw(self, index: int, rng: np.random.Generator, speed: float = 1.0) -> Samples:
        """A random piece [size] of a clip, augmented; up to three other speakers may be behind."""
        start = crop(self.clips[index].samples, round(self.size * speed), rng.random())
        strangers = np.flatnonzero(self.speaker != self.speaker[index])
        others = [crop(self.clips[i].samples, self.size, rng.random())
                  for i in rng.choice(strangers, int(rng.integers(1, 4)))]
        return self.augmentation(crop(change_speed(start, speed), self.size), others, rng)

    def some_of_each(self, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Up to `most` clips of every speaker, speaker after speaker."""
        return np.concatenate([rng.choice(own, min(len(own), most), replace=False)
                               for own in self.of_speaker])
