"""A codec on real speech it was not trained on: what its reconstruction loses."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codec import Codec
from codec.audio import Samples
from valle.evaluate import signal
from valle.evaluate.panel import DISTILLMOS, OVRL, Panel, name_of
from valle.evaluate.table import Estimate, bootstrap, column, judges, markdown, paired
from valle.evaluate.wer import word_figures
from valle.speaker.encoder import cosine

ORIGINAL = "original"
SOUND = {"pesq": signal.pesq, "stoi": signal.stoi}  # measures whose packages may be missing


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
    """What the judges say.

    Attributes:
        rows: one per clip and version; usage: one per codebook.
        kbps: bit rate of each version in kb/s.
        baselines: mean similarity between clips of one speaker, and of two, by encoder.
        missing: judges that could not be had, and why.
    """

    rows: list[dict[str, Any]]
    usage: list[BookUsage]
    kbps: dict[str, float]
    baselines: dict[str, tuple[float, float]]
    missing: dict[str, str]

    def markdown(self) -> str:
        """Tables of quality, of differences to the original, and of usage."""
        return "\n".join((self._quality(), self._usage()))

    def _quality(self) -> str:
        names = list(dict.fromkeys(str(row["version"]) for row in self.rows))
        listeners, encoders = judges(self.rows, "wer"), judges(self.rows, "similarity")
        values = {name: [row for row in self.rows if row["version"] == name] for name in names}
        table = []
        for name in names:
            rows, first = values[name], name == ORIGINAL
            row: list[object] = [name]
            for listener in listeners:
                row += [_mean(rows, "wer", listener, weighted=True),
                        "-" if first else _more(rows, values[ORIGINAL], "wer", listener)]
            for key in (DISTILLMOS, OVRL):
                row += [_mean(rows, key), "-" if first else _more(rows, values[ORIGINAL], key)]
            row += [_mean(rows, key) for key in ("pesq", "stoi", "mel")]
            row += ["-" if first else _mean(rows, "similarity", e) for e in encoders]
            row += ["-" if first else f"{self.kbps[name]:.2f}", len(rows)]
            table.append(row)
        header = ["version"]
        for name in (*map(name_of, listeners), "DistillMOS", "OVRL"):
            header += [name, "more than original"]
        header += ["PESQ", "STOI", "mel distance", *(f"similarity {e}" for e in encoders), "kb/s",
                   "clips"]
        same = ", ".join(f"{name}: same speaker {a:.3f}, another {b:.3f}"
                         for name, (a, b) in self.baselines.items())
        return (markdown(header, table) + "\nWord error rates over all words, others means over "
                "clips, with bootstrap 95 % intervals. Mel distance: mean absolute difference of "
                "log-mel spectra. Similarity is to the original; between different recordings "
                f"(nan: none here) {same}.\n")

    def _usage(self) -> str:
        table = [(u.book, u.unique, f"{u.share:.1%}", f"{u.reachable:.1%}", f"{u.perplexity:.0f}")
                 for u in self.usage]
        frames = self.usage[0].frames if self.usage else 0
        return (markdown(("codebook", "codes used", "of all", "of reachable", "perplexity"), table)
                + f"\nOver {frames} frames; reachable: min(codes, frames).\n")


def evaluate_codec(codec: Codec, clips: Sequence[Clip], panel: Panel,
                   n_codebooks: Sequence[int] = (), *,
                   on_clip: Callable[[int], object] | None = None,
                   save: Callable[[str, str, Samples], None] | None = None) -> CodecReport:
    """Score clips before and after the codec.

    Args:
        clips: all of them count for usage, whatever is said in them.
        panel: the judges.
        n_codebooks: how many codebooks to decode from, for each version; all codebooks when empty.
        on_clip: called with 1 after each clip.
        save: called with (clip id, version, samples) of each reconstruction.

    Raises:
        ValueError: no clips, or a number of codebooks that the codec does not have.
    """
    if not clips:
        raise ValueError("no clips to evaluate the codec on: check --data and --held-out")
    books = list(n_codebooks) or [codec.n_codebooks]
    for count in books:
        if not 1 <= count <= codec.n_codebooks:
            raise ValueError(f"--n-codebooks {count}: this codec has 1 to {codec.n_codebooks}")
    rows: list[dict[str, Any]] = []
    codes: list[NDArray[np.int64]] = []
    embeddings: dict[str, list[NDArray[np.float32]]] = {}
    missing: dict[str, str] = {}
    for clip in clips:
        first = panel.embed(clip.samples, codec.sample_rate)
        for name, embedding in first.items():
            embeddings.setdefault(name, []).append(embedding)
        rows.append(_row(clip, ORIGINAL, clip.samples, codec.sample_rate, panel))
        encoded = encode(codec, clip.samples)
        codes.append(encoded)
        for count in books:
            again = decode(codec, encoded[:count])[: len(clip.samples)]
            row = _row(clip, f"{count} codebooks", again, codec.sample_rate, panel)
            found = panel.embed(again, codec.sample_rate)
            row["similarity"] = {n: round(cosine(e, first[n]), 4) for n, e in found.items()}
            rows.append(row | _sound(clip.samples, again, codec.sample_rate, missing))
            if save is not None:
                save(clip.id, f"{count} codebooks", again)
        if on_clip is not None:
            on_clip(1)
    speakers = [clip.speaker for clip in clips]
    kbps = {f"{n} codebooks": signal.bit_rate(codec, n) / 1000 for n in books}
    return CodecReport(rows, usage(np.concatenate(codes, axis=1), codec.codebook_size), kbps,
                       {n: between_speakers(e, speakers) for n, e in embeddings.items()},
                       missing | panel.missing)


@torch.inference_mode()
def encode(codec: Codec, samples: Samples) -> NDArray[np.int64]:
    """Codes [Q, T] of samples [N] at the codec's rate."""
    return codec.encode(torch.from_numpy(samples)[None, None])[0].numpy()


@torch.inference_mode()
def decode(codec: Codec, codes: NDArray[np.int64], voice: NDArray[np.int64] | None = None,
           ) -> Samples:
    """Samples [T * hop] of codes [Q', T] in a voice of which there are codes [Q'', T']."""
    known = None if voice is None else torch.from_numpy(voice)[None]
    return codec.decode(torch.from_numpy(codes)[None], known)[0, 0].float().numpy()


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


def _row(clip: Clip, version: str, samples: Samples, sample_rate: int, panel: Panel,
         ) -> dict[str, Any]:
    return {"id": clip.id, "speaker": clip.speaker, "version": version,
            "seconds": round(len(clip.samples) / sample_rate, 2), "text": clip.text,
            **word_figures(clip.text, panel.hear(samples, sample_rate)),
            **panel.rate(samples, sample_rate), "similarity": {}}


def _sound(original: Samples, copy: Samples, sample_rate: int, missing: dict[str, str],
           ) -> dict[str, float | None]:
    """Measures of a copy; those whose packages are missing are left out and noted."""
    found: dict[str, float | None] = {"mel": round(signal.mel_distance(original, copy), 4)}
    for name, measure in SOUND.items():
        if name not in missing:
            try:
                value = measure(original, copy, sample_rate)
                found[name] = None if value is None else round(value, 4)
            except ImportError as error:
                missing[name] = str(error)
    return found


def _mean(rows: Sequence[dict[str, Any]], key: str, judge: str | None = None,
          weighted: bool = False) -> Estimate:
    weights = [row["words"] for row in rows] if weighted else None
    return bootstrap(column(rows, key, judge), weights=weights)


def _more(rows: Sequence[dict[str, Any]], original: Sequence[dict[str, Any]], key: str,
          judge: str | None = None) -> Estimate:
    """How much more than the original's, clip by clip."""
    weights = [row["words"] for row in rows] if judge else None
    return paired(column(original, key, judge), column(rows, key, judge), weights=weights)
