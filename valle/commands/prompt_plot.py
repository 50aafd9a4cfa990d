"""A recording as `valle doctor --plot` draws it."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from valle.features.optional import needed

if TYPE_CHECKING:
    from codec.audio import Samples
    from valle.synthesis.piece import Piece
    from valle.synthesis.quality import Quality

SPEECH, PIECE, FAULT = "tab:blue", "tab:green", "tab:red"


def check_plot(path: Path) -> None:
    """ValueError where the name is no PNG's, ImportError without matplotlib."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"cannot draw {path}: give it a name that ends in .png")
    needed("matplotlib")


def draw(path: Path, samples: Samples, quality: Quality | None, piece: Piece | None,
         problems: Sequence[str]) -> None:
    """Write the picture, whole or not at all: waveform and spectrogram of samples [N] at 24 kHz,
    with what was found; quality is None where they cannot be a prompt, and problems say why."""
    from matplotlib.figure import Figure

    from codec.files import atomic_path

    figure = Figure(figsize=(10, 6), layout="constrained")
    wave, spectrum = figure.subplots(2, 1, sharex=True)
    _draw_wave(wave, samples, quality is not None, piece)
    _draw_spectrum(spectrum, samples, quality)
    faults = problems if quality is None else [fault.words for fault in quality.faults]
    figure.suptitle("\n".join(faults) or "good as a prompt", fontsize=9,
                    color=FAULT if faults else "black")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _draw_wave(axes: Any, samples: Samples, speaks: bool, piece: Piece | None) -> None:
    """The samples; where speech is, what is at full scale, and the piece taken."""
    from codec.audio import SAMPLE_RATE
    from codec.speech import CLIPPED_LEVEL, FRAME_SECONDS, active_frames, without_rumble

    seconds = np.arange(len(samples)) / SAMPLE_RATE
    axes.plot(seconds, samples, color="0.3", linewidth=0.3)
    active = active_frames(without_rumble(samples), SAMPLE_RATE)
    if speaks:
        axes.fill_between(np.arange(len(active)) * FRAME_SECONDS, -1, 1, where=active, step="post",
                          color=SPEECH, alpha=0.12, linewidth=0, label="speech")
    full = np.abs(samples) >= CLIPPED_LEVEL
    if full.any():
        axes.plot(seconds[full], samples[full], ".", color=FAULT, markersize=3,
                  label="at full scale")
    if piece:
        axes.axvspan(piece.start, piece.end, ymax=0.04, color=PIECE, label="best piece")
    axes.set(ylim=(-1, 1), ylabel="amplitude")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", fontsize=8, frameon=False)


def _draw_spectrum(axes: Any, samples: Samples, quality: Quality | None) -> None:
    """The spectrogram, with the end of the bandwidth, and the hum where there is one."""
    from codec.audio import SAMPLE_RATE

    axes.specgram(samples + 1e-7, NFFT=1024, noverlap=768, Fs=SAMPLE_RATE, vmin=-140,
                  cmap="magma")
    if quality is not None:
        axes.axhline(quality.bandwidth, color=SPEECH, linestyle="--", linewidth=1,
                     label="bandwidth")
        if quality.mains:
            axes.axhline(quality.mains, color=FAULT, linewidth=1, label="mains hum")
        axes.legend(loc="upper right", fontsize=8)
    axes.set(xlabel="seconds", ylabel="Hz")
