"""A codec on real speech it was not trained on: what its reconstruction loses."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from codec import Codec
from valle.evaluate.judges import Judges, Score
from valle.evaluate.similarity import cosine
from valle.evaluate.table import bootstrap, markdown
from valle.evaluate.words import Samples

ORIGINAL = "original"


@dataclass(frozen=True)
class Clip:
    """A recording: samples [N] at the codec's rate, who speaks, and what is said."""

    id: str
    speaker: str
    text: str
    samples: Samples


@dataclass(frozen=True)
class BookUsage:
    """How much of one codebook was used.

    Attributes:
        unique: codes used at least once; share: of all codes.
        reachable: of the codes that so many frames can reach, min(V, frames).
        perplexity: 2 to the entropy of the codes: so many equally likely ones would be as varied.
    """

    book: int
    unique: int
    share: float
    reachable: float
    perplexity: float
    frames: int


@dataclass(frozen=True)
class CodecReport:
    """rows: one per clip and version; usage: one per codebook."""

    rows: list[dict[str, object]]
    usage: list[BookUsage]
    same_speaker: float
    other_speaker: float

    def markdown(self) -> str:
        """Tables of quality, of differences to the original, and of usage."""
        return "\n".join((self._quality(), self._usage()))

    def _quality(self) -> str:
        names = list(dict.fromkeys(str(row["version"]) for row in self.rows))
        values = {name: [row for row in self.rows if row["version"] == name] for name in names}
        table = []
        for name in names:
            row: list[object] = [name, len(values[name])]
            for key in ("werc", "ovrl"):
                mine, first = _column(values[name], key), _column(values[ORIGINAL], key)
                row.append(bootstrap(mine))
                row.append("-" if name == ORIGINAL else
                           bootstrap([a - b for a, b in zip(mine, first, strict=True)]))
            row.append("-" if name == ORIGINAL else bootstrap(_column(values[name], "similarity")))
            table.append(row)
        header = ("version", "clips", "WERc", "more than original", "OVRL", "more than original",
                  "similarity to original")
        return (markdown(header, table) + "\nMeans over clips with bootstrap 95 % intervals. "
                "Similarity between different recordings: same speaker "
                f"{self.same_speaker:.3f}, another {self.other_speaker:.3f} (nan: none here).\n")

    def _usage(self) -> str:
        table = [(u.book, u.unique, f"{u.share:.1%}", f"{u.reachable:.1%}", f"{u.perplexity:.0f}")
                 for u in self.usage]
        frames = self.usage[0].frames if self.usage else 0
        return (markdown(("codebook", "codes used", "of all", "of reachable", "perplexity"), table)
                + f"\nOver {frames} frames; reachable: min(codes, frames).\n")


def evaluate_codec(codec: Codec, clips: Sequence[Clip], distractors: Sequence[str],
                   n_codebooks: Sequence[int] = (), *,
                   on_clip: Callable[[int], object] | None = None,
                   save: Callable[[str, str, Samples], None] | None = None) -> CodecReport:
    """Score clips before and after the codec.

    Args:
        clips: all of them count for usage, whatever is said in them.
        distractors: texts that the closed-vocabulary listener knows besides those of the clips.
        n_codebooks: how many books to decode from, for each version; all books when empty.
        on_clip: called with 1 after each clip.
        save: called with (clip id, version, samples) of each reconstruction.

    Raises:
        ValueError: no clips, or a number of codebooks that the codec does not have.
        ImportError: a package of the extra `evaluate` is missing.
    """
    if not clips:
        raise ValueError("no clips to evaluate the codec on: check --data and --held-out")
    books = list(n_codebooks) or [codec.n_codebooks]
    for count in books:
        if not 1 <= count <= codec.n_codebooks:
            raise ValueError(f"--n-codebooks {count}: this codec has 1 to {codec.n_codebooks}")
    judges = Judges([clip.text for clip in clips], distractors, open_vocabulary=False)
    rows: list[dict[str, object]] = []
    codes: list[NDArray[np.int64]] = []
    embeddings = []
    for clip in clips:
        before = judges(clip.samples, codec.sample_rate, clip.text)
        rows.append(_row(clip, ORIGINAL, before, before))
        embeddings.append(before.embedding)
        encoded = encode(codec, clip.samples)
        codes.append(encoded)
        for count in books:
            again = decode(codec, encoded[:count])[: len(clip.samples)]
            version = f"{count} codebooks"
            rows.append(_row(clip, version, judges(again, codec.sample_rate, clip.text), before))
            if save is not None:
                save(clip.id, version, again)
        if on_clip is not None:
            on_clip(1)
    same, other = between_speakers(embeddings, [clip.speaker for clip in clips])
    return CodecReport(rows, usage(np.concatenate(codes, axis=1), codec.codebook_size), same, other)


@torch.inference_mode()
def encode(codec: Codec, samples: Samples) -> NDArray[np.int64]:
    """Codes [Q, T] of samples [N] at the codec's rate."""
    return codec.encode(torch.from_numpy(samples)[None, None])[0].numpy()


@torch.inference_mode()
def decode(codec: Codec, codes: NDArray[np.int64]) -> Samples:
    """Samples [T * hop] of codes [Q', T]."""
    return codec.decode(torch.from_numpy(codes)[None])[0, 0].float().numpy()


def usage(codes: NDArray[np.int64], codebook_size: int) -> list[BookUsage]:
    """Usage of each codebook in codes [Q, T]."""
    found = []
    for book, row in enumerate(codes, 1):
        counts = np.bincount(row, minlength=codebook_size)
        shares = counts[counts > 0] / row.size
        unique = int((counts > 0).sum())
        entropy = float(-(shares * np.log2(shares)).sum())
        found.append(BookUsage(book, unique, unique / codebook_size,
                               unique / min(codebook_size, row.size), 2 ** entropy, row.size))
    return found


def between_speakers(embeddings: Sequence[NDArray[np.float32]], speakers: Sequence[str],
                     ) -> tuple[float, float]:
    """Mean cosine of clips [n, 256] of the same speaker, and of different ones; NaN without any."""
    means: dict[bool, list[float]] = {True: [], False: []}
    for i, a in enumerate(embeddings):
        for j in range(i):
            means[speakers[i] == speakers[j]].append(cosine(a, embeddings[j]))
    same, other = (float(np.mean(means[key])) if means[key] else float("nan")
                   for key in (True, False))
    return same, other


def _row(clip: Clip, version: str, score: Score, original: Score) -> dict[str, object]:
    return {"id": clip.id, "speaker": clip.speaker, "version": version,
            "seconds": round(len(clip.samples) / 24_000, 2), "text": clip.text,
            "heard": score.heard, "werc": round(score.werc, 4), "ovrl": round(score.ovrl, 4),
            "similarity": round(cosine(score.embedding, original.embedding), 4)}


def _column(rows: Sequence[dict[str, object]], key: str) -> list[float]:
    return [float(str(row[key])) for row in rows]
