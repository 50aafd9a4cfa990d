"""One recording to an utterance: cut, phonemised, encoded and aligned."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.spec import CodecSpec
from codec.speech import normalize_loudness, trim_silence
from g2p import phonemize
from valle.data.loading import header_seconds, load_whole
from valle.data.manifest import Codes, Utterance
from valle.data.recording import Recording
from valle.data.writer import Result, Skipped
from valle.features.timings import check_fit, frame_durations

if TYPE_CHECKING:
    from codec import Codec
    from valle.model.aligner import Aligner

MIN_SECONDS = 0.3
TIMING_SLACK = 0.1  # seconds by which a teacher's timings may run past the end of the audio


class LeftOutError(ValueError):
    """The recording is sound but not wanted; `cause` says in two words why."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


@dataclass(frozen=True)
class Work:
    """What every worker needs to know; codec and aligner are paths or names."""

    codec: str | None
    aligner: str | None
    max_seconds: float


class Processor:
    """Turns recordings into utterances; loads the codec and the aligner once.

    Attributes:
        spec: the codec's numbers, without a codec the aligner's, without both the usual ones.
    """

    def __init__(self, work: Work) -> None:
        """FileNotFoundError, ValueError: no such codec or aligner, or they do not fit."""
        self.max_seconds = work.max_seconds
        self.codec: Codec | None = None
        self.aligner: Aligner | None = None
        self.spec = CodecSpec()
        if work.aligner:
            from valle.model.aligner import Aligner

            self.aligner = Aligner.load(work.aligner)
            self.spec = self.aligner.spec
        if work.codec:
            from codec import load_codec

            self.codec = load_codec(work.codec)
            self.spec = self.codec.spec
            if self.aligner is not None:
                self.aligner.check_spec(self.spec)

    def __call__(self, recording: Recording) -> Result:
        """Never raises because of the recording: the reason it cannot be used is a result."""
        try:
            return self._prepare(recording)
        except LeftOutError as error:
            return Result(skipped=Skipped(recording.id, error.cause, str(error), broken=False))
        except (ValueError, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return Result(skipped=Skipped(recording.id, "broken", reason, broken=True))

    def _prepare(self, recording: Recording) -> Result:
        if recording.problem:
            raise ValueError(recording.problem)
        samples, start, total = self._samples(recording.audio)
        frames = self.spec.frames_of(len(samples))
        phones, durations, score = None, None, None
        if recording.segments:
            phones = [phone for phone, _ in recording.segments]
            ends = [end for _, end in recording.segments]
            if ends[-1] > total + TIMING_SLACK:
                raise ValueError(f"its timings end at {ends[-1]:.2f} s, its audio at {total:.2f} s")
            durations = frame_durations(phones, [end - start for end in ends], frames,
                                        self.spec.frame_rate)
        elif recording.text is not None:
            phones = phonemize(recording.text, recording.language)
            check_fit(phones, frames, self.spec.frame_rate)
            if self.aligner:
                durations = self.aligner.durations(samples, phones)
                score = round(self.aligner.score(samples, phones, durations), 4)
        codes = self._encode(samples, frames)
        seconds = len(samples) / self.spec.sample_rate
        return Result(Utterance(recording.id, str(recording.audio), recording.speaker,
                                recording.language, recording.text, phones, seconds, start,
                                start + seconds, frames, durations=durations, score=score), codes)

    def _samples(self, path: Path) -> tuple[NDArray[np.float32], float, float]:
        """(kept samples [N] at -23 dBFS, where they start in s, length of the recording in s)."""
        seconds, rate = header_seconds(path), self.spec.sample_rate
        if seconds > self.max_seconds:
            raise LeftOutError("too long", f"lasts {seconds:.1f} s, more than "
                               f"{self.max_seconds:g} s")
        samples = load_whole(path, rate, self.max_seconds)
        start, end = trim_silence(samples, rate)
        if start == end:
            raise ValueError(f"{path} is silent: record or copy it again")
        if end - start < MIN_SECONDS * rate:
            raise LeftOutError("too short", f"holds {(end - start) / rate:.2f} s of speech, "
                               f"less than {MIN_SECONDS} s")
        return (normalize_loudness(samples[start:end], rate), start / rate, len(samples) / rate)

    def _encode(self, samples: NDArray[np.float32], frames: int) -> Codes | None:
        """Codes [Q, T] of samples [N]."""
        if self.codec is None:
            return None
        import torch

        codes = self.codec.encode(torch.from_numpy(samples)[None, None])[0]
        assert codes.shape == (self.codec.n_codebooks, frames), (codes.shape, frames)
        return codes.to(torch.int16).numpy()
