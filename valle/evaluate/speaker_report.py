"""Several encoders on the same trials: embeddings kept on disk, a table and a DET plot."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from codec.files import atomic_path
from valle.data.clips import Clip, load_clip
from valle.evaluate.rows import append_row, read_rows, write_rows
from valle.evaluate.speaker_trials import (
    Embedding,
    Rates,
    Trial,
    cosines,
    eer_interval,
    equal_error_rate,
    error_rates,
    identification,
    min_dcf,
)
from valle.evaluate.table import markdown
from valle.features.fbank import SAMPLE_RATE
from valle.speaker.encoder import SpeakerEncoder

TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Result:
    """What the trials say of one encoder.

    Attributes:
        size: D of its embeddings.
        eer: equal error rate, with `low` and `high` of its 95 % interval over speakers.
        dcf_01, dcf_05: least detection cost at a prior of .01 and .05 for the same speaker.
        identified: share of `tested` clips whose speaker is found among `enrolled` speakers.
        same, other: mean cosines of the two kinds of trials.
    """

    encoder: str
    size: int
    eer: float
    low: float
    high: float
    dcf_01: float
    dcf_05: float
    identified: float
    tested: int
    enrolled: int
    same: float
    other: float
    rates: Rates

    def to_json(self) -> dict[str, object]:
        """The figures, without the rates."""
        return {k: round(v, 5) if isinstance(v, float) else v for k, v in vars(self).items()
                if k != "rates"}


def embed_clips(clips: Sequence[Clip], encoder: Callable[[], SpeakerEncoder], identity: str,
                path: Path, on_clip: Callable[[int], object]) -> dict[str, Embedding]:
    """Embedding [D] of each usable clip by its id, each kept in a JSONL file as soon as known.

    Rows of the same encoder in that file are not made again; the encoder is loaded when needed.
    Clips that cannot be read, or hold less than a second of speech, are not in the result.
    """
    rows = [row for row in read_rows(path) if row["encoder"] == identity]
    if path.is_file():
        write_rows(path, rows)  # without those of another encoder, or cut by a kill
    known = {row["clip"]: row["embedding"] for row in rows}
    embed: SpeakerEncoder | None = None
    for clip in clips:
        if clip.id not in known:
            embed = embed or encoder()
            loaded = load_clip(clip)
            known[clip.id] = None if loaded is None else [
                round(x, 6) for x in embed(loaded.samples, SAMPLE_RATE).tolist()]
            append_row(path, {"clip": clip.id, "encoder": identity, "embedding": known[clip.id]})
        on_clip(1)
    return {clip.id: np.array(known[clip.id], np.float32) for clip in clips
            if known[clip.id] is not None}


def measure(name: str, trials: Sequence[Trial], embeddings: Mapping[str, Embedding],
            speakers: Mapping[str, str]) -> Result:
    """All figures of one encoder; trials of clips without an embedding are left out.

    Raises:
        ValueError: no trials of both kinds are left.
    """
    usable = [t for t in trials if t.a in embeddings and t.b in embeddings]
    same = np.array([t.same for t in usable], bool)
    if not same.any() or same.all():
        raise ValueError(f"{len(trials) - len(usable)} of {len(trials)} trials have a clip that "
                         "cannot be read or holds no speech: check --data")
    scores = cosines(usable, embeddings)
    rates = error_rates(scores, same)
    low, high = eer_interval(usable, scores, speakers)
    right, tested, enrolled = identification(embeddings, speakers)
    return Result(name, len(next(iter(embeddings.values()))), equal_error_rate(rates), low, high,
                  min_dcf(rates, 0.01), min_dcf(rates, 0.05), right, tested, enrolled,
                  float(scores[same].mean()), float(scores[~same].mean()), rates)


def report(results: Sequence[Result], about: str, failures: Sequence[str], plot: bool) -> str:
    """Markdown: what was tried (`about`), the table, and what could not be measured."""
    rows = [[r.encoder, r.size, f"{100 * r.eer:.2f} ({100 * r.low:.2f} to {100 * r.high:.2f})",
             f"{r.dcf_01:.3f}", f"{r.dcf_05:.3f}",
             f"{100 * r.identified:.1f} ({r.tested} of {r.enrolled})",
             f"{r.same:.3f}", f"{r.other:.3f}"] for r in results]
    header = ("encoder", "D", "EER %", "minDCF .01", "minDCF .05", "identified %",
              "same speaker", "other speakers")
    parts = ["# Speaker verification\n", about, markdown(header, rows),
             "EER with a bootstrap 95 % interval over speakers; minDCF at two priors of the same "
             "speaker; identified: clips (of so many speakers) recognised by one other clip of "
             "each; mean cosines of both kinds of trials.\n"]
    parts += ["![DET](det.png)\n"] if plot else []
    parts += [f"- not measured: {failure}\n" for failure in failures]
    return "\n".join(parts)


def plot_det(results: Sequence[Result], path: Path) -> None:
    """Detection error tradeoff (Martin et al. 1997): both errors on normal deviate scales.

    Raises:
        ImportError: no matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the DET plot needs matplotlib: pip install 'valle[evaluate]'"
                          ) from error
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot()
    deviate = np.vectorize(NormalDist().inv_cdf)
    least, most = TICKS[0] / 2, 0.5
    for result in results:
        axes.plot(deviate(result.rates.false_alarm.clip(least, 1 - least)),
                  deviate(result.rates.miss.clip(least, 1 - least)),
                  label=f"{result.encoder}, EER {100 * result.eer:.1f} %")
    for axis, name in ((axes.xaxis, "false alarms %"), (axes.yaxis, "misses %")):
        axis.set_ticks(deviate(np.array(TICKS)), [f"{100 * tick:g}" for tick in TICKS])
        axis.set_label_text(name)
    limits = [NormalDist().inv_cdf(least), NormalDist().inv_cdf(most)]
    axes.plot(limits, limits, color="grey", linewidth=0.5)
    axes.set(xlim=limits, ylim=limits)
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
