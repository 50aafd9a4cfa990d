"""A corpus to a prepared folder: phones, codes and durations, in parallel and resumable.

What comes out does not depend on the number of workers: recordings are taken in the order of their
ids and encoded one by one on one thread.
"""
from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from codec.audio import SAMPLE_RATE, load_audio
from codec.speech import normalize_loudness, trim_silence
from g2p import BOUNDARIES, phonemize
from valle.data.corpora import Recording, detect, read_corpus
from valle.data.manifest import FRAME_RATE, Codes, PreparedWriter, Skipped, Utterance

if TYPE_CHECKING:
    from codec import Codec
    from valle.model.aligner import Aligner

HOP = SAMPLE_RATE // FRAME_RATE
MIN_SECONDS = 0.3
TIMING_SLACK = 0.1  # seconds by which a teacher's timings may run past the end of the audio
TINY_CORPUS = 100  # below this many recordings only a corpus broken as a whole is given up
SHARD_SIZE = 512  # recordings per shard, also what a kill can lose


class LeftOutError(ValueError):
    """The recording is sound but not wanted: too long or too short."""


@dataclass(frozen=True)
class Work:
    """What every worker needs to know; codec and aligner are paths or names."""

    codec: str | None
    aligner: str | None
    max_seconds: float


@dataclass(frozen=True)
class Result:
    """An utterance with its codes [Q, T] (None without a codec), or why it is skipped."""

    utterance: Utterance | None = None
    codes: Codes | None = None
    skipped: Skipped | None = None


def prepare(corpus: str | Path, out: str | Path, *, kind: str = "auto", language: str = "en-us",
            codec: str | Path | None = None, aligner: str | Path | None = None,
            workers: int | None = None, max_seconds: float = 20.0, max_broken: float = 0.01,
            shard_size: int = SHARD_SIZE) -> dict[str, Any]:
    """Prepare a corpus for training. Run it again after an interruption: it goes on.

    Args:
        corpus: folder of a corpus that `valle.data.corpora` reads.
        out: prepared folder, see `valle.data.manifest`.
        codec: what `codec.load_codec` takes; None gives a manifest without codes.
        aligner: folder of an aligner, for recordings without a teacher's timings.
        workers: processes; None takes one per core, 0 or 1 works in this process.
        max_seconds: longer recordings are left out.
        max_broken: share of broken recordings above which to give up.

    Returns:
        The contents of prepared.json: totals, codec identity, settings.

    Raises:
        FileNotFoundError: no such corpus, codec or aligner.
        ValueError: nothing to prepare, too many broken recordings, or `out` holds something else.
        RuntimeError: a worker process died.
    """
    root = Path(corpus).resolve()
    kind = detect(root) if kind == "auto" else kind
    recordings = _collect(root, kind, language)
    work = Work(str(codec) if codec else None, str(aligner) if aligner else None, max_seconds)
    processor = Processor(work)
    settings = {"corpus": str(root), "kind": kind, "language": language,
                "codec": processor.codec.identity if processor.codec else None,
                "aligner": _fingerprint(aligner) if aligner else None, "max_seconds": max_seconds}
    writer = PreparedWriter(out, settings,
                            processor.codec.n_codebooks if processor.codec else None)
    todo = [r for r in recordings if r.id not in writer.done]
    workers = min(os.cpu_count() or 1 if workers is None else workers, len(todo))
    results = _parallel(work, todo, workers) if workers > 1 else _serial(processor, todo)
    bar = iter(tqdm(results, total=len(recordings), initial=len(recordings) - len(todo),
                    desc=root.name, unit="clip", mininterval=1.0))
    while group := list(itertools.islice(bar, shard_size)):
        writer.add([r.utterance for r in group if r.utterance],
                   [r.codes for r in group if r.codes is not None],
                   [r.skipped for r in group if r.skipped])
        broken = writer.info["broken"]
        if len(recordings) >= TINY_CORPUS and broken > max_broken * len(recordings):
            results.close()
            raise _give_up(writer, f"{broken} of {len(recordings)} recordings are broken, more "
                                   f"than {max_broken:.1%}")
    if not writer.info["utterances"]:
        raise _give_up(writer, f"none of {len(recordings)} recordings can be used")
    return writer.close("finished")


def describe(info: dict[str, Any]) -> str:
    """One line about a prepared folder for people."""
    codes = f"{info['n_codebooks']} codebooks of {info['codec']}" if info["codec"] else "no codes"
    return (f"{info['utterances']} utterances, {info['hours']:.2f} h, {info['speakers']} speakers, "
            f"{info['aligned']} with durations, {codes}, {info['skipped']} skipped "
            f"({info['broken']} broken)")


class Processor:
    """Turns recordings into utterances; loads the codec and the aligner once."""

    def __init__(self, work: Work) -> None:
        self.max_seconds = work.max_seconds
        self.codec: Codec | None = None
        self.aligner: Aligner | None = None
        if work.codec:
            from codec import load_codec

            self.codec = load_codec(work.codec)
        if work.aligner:
            from valle.model.aligner import Aligner

            self.aligner = Aligner.load(work.aligner)

    def __call__(self, recording: Recording) -> Result:
        """Never raises because of the recording: the reason it cannot be used is a result."""
        try:
            return self._prepare(recording)
        except LeftOutError as cause:
            return Result(skipped=Skipped(recording.id, str(cause), broken=False))
        except (ValueError, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return Result(skipped=Skipped(recording.id, reason, broken=True))

    def _prepare(self, recording: Recording) -> Result:
        if recording.problem:
            raise ValueError(recording.problem)
        samples, start, total = self._samples(recording.audio)
        frames = -(-len(samples) // HOP)
        phones, durations, score = None, None, None
        if recording.segments:
            phones = [phone for phone, _ in recording.segments]
            ends = [end for _, end in recording.segments]
            if ends[-1] > total + TIMING_SLACK:
                raise ValueError(f"its timings end at {ends[-1]:.2f} s, its audio at {total:.2f} s")
            durations = frame_durations(phones, [end - start for end in ends], frames)
        elif recording.text is not None:
            phones = phonemize(recording.text, recording.language)
            check_fit(phones, frames)
            if self.aligner:
                durations = self.aligner.durations(samples, phones)
                score = round(self.aligner.score(samples, phones, durations), 4)
        codes = self._encode(samples, frames)
        seconds = len(samples) / SAMPLE_RATE
        return Result(Utterance(recording.id, str(recording.audio), recording.speaker,
                                recording.language, recording.text, phones, seconds, start,
                                start + seconds, frames, durations=durations, score=score), codes)

    def _samples(self, path: Path) -> tuple[NDArray[np.float32], float, float]:
        """(kept samples [N] at -23 dBFS, where they start in s, length of the recording in s)."""
        seconds = _header_seconds(path)
        if seconds > self.max_seconds:
            raise LeftOutError(f"lasts {seconds:.1f} s, more than {self.max_seconds:g} s")
        samples = load_audio(path, max_seconds=self.max_seconds)
        start, end = trim_silence(samples)
        if start == end:
            raise ValueError(f"{path} is silent: record or copy it again")
        if end - start < MIN_SECONDS * SAMPLE_RATE:
            raise LeftOutError(f"holds {(end - start) / SAMPLE_RATE:.2f} s of speech, less than "
                               f"{MIN_SECONDS} s")
        return (normalize_loudness(samples[start:end]), start / SAMPLE_RATE,
                len(samples) / SAMPLE_RATE)

    def _encode(self, samples: NDArray[np.float32], frames: int) -> Codes | None:
        """Codes [Q, T] of samples [N]."""
        if self.codec is None:
            return None
        import torch

        codes = self.codec.encode(torch.from_numpy(samples)[None, None])[0]
        assert codes.shape == (self.codec.n_codebooks, frames), (codes.shape, frames)
        return codes.to(torch.int16).numpy()


def frame_durations(phones: Sequence[str], ends: Sequence[float], frames: int) -> list[int]:
    """End times in seconds, one per phone, to frames per phone [L]; they add up to `frames`.

    Times are rounded to the nearest frame; a phone that would vanish takes a frame from its
    neighbours. Boundaries may have none.

    Raises:
        ValueError: the phones do not fit.
    """
    check_fit(phones, frames)
    least = [0 if phone in BOUNDARIES else 1 for phone in phones]
    edges = [round(end * FRAME_RATE) for end in ends]
    previous = 0
    for i, shortest in enumerate(least):
        previous = edges[i] = max(edges[i], previous + shortest)
    edges[-1] = following = frames
    for i in range(len(edges) - 2, -1, -1):
        following = edges[i] = min(edges[i], following - least[i + 1])
    return [end - start for start, end in zip([0, *edges], edges, strict=False)]


def check_fit(phones: Sequence[str], frames: int) -> None:
    """Raise ValueError when there are more phones than frames to hold them."""
    needed = sum(phone not in BOUNDARIES for phone in phones)
    if needed > frames:
        raise ValueError(f"{needed} phones in {frames / FRAME_RATE:.2f} s: "
                         "the text does not belong to this audio")


def _collect(root: Path, kind: str, language: str) -> list[Recording]:
    """All recordings by id, each once; of copies under one id the one with text is taken."""
    found: dict[str, Recording] = {}
    for recording in read_corpus(root, kind, language):
        if recording.id not in found or found[recording.id].text is None:
            found[recording.id] = recording
    if not found:
        raise ValueError(f"no recordings in {root} (read as {kind}): check the path and --kind")
    return [found[name] for name in sorted(found)]


def _give_up(writer: PreparedWriter, reason: str) -> ValueError:
    writer.close("aborted")
    return ValueError(f"{reason}; {writer.folder / 'skipped.jsonl'} says why. Repair or remove "
                      "them and run again")


def _header_seconds(path: Path) -> float:
    """Length by the header; 0 where it says nothing, load_audio finds the cause."""
    try:
        info = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return 0.0
    return info.duration if info.frames < 1 << 62 else 0.0


def _fingerprint(folder: str | Path) -> str:
    """Sixteen hex digits over the files of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _serial(processor: Processor, todo: Sequence[Recording]) -> Generator[Result, None, None]:
    """Results in order, made in this process on one thread, as the workers make them."""
    if processor.codec is None and processor.aligner is None:
        yield from map(processor, todo)
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from map(processor, todo)
    finally:
        torch.set_num_threads(threads)


def _parallel(work: Work, todo: Sequence[Recording], workers: int,
              ) -> Generator[Result, None, None]:
    """Results in order, made by processes that run a little ahead."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker,
                               (work, os.getpid()))
    waiting: deque[Future[Result]] = deque()
    try:
        for recording in todo:
            waiting.append(pool.submit(_process, recording))
            if len(waiting) > 16 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RuntimeError("a worker process died, perhaps for lack of memory: run again with "
                           "fewer workers, it goes on where it stopped") from error
    finally:
        pool.shutdown(cancel_futures=True)


_processor: Processor | None = None  # of this worker process


def _start_worker(work: Work, parent: int) -> None:
    """Load the models; leave Ctrl-C to the parent, and end when the parent is gone."""
    global _processor
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if work.codec or work.aligner:
        import torch

        torch.set_num_threads(1)
    _processor = Processor(work)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _process(recording: Recording) -> Result:
    assert _processor is not None
    return _processor(recording)
