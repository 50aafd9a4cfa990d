"""A recording as `valle doctor --plot` draws it."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from valle.features.optional import needed

if TYPE_CHECKING:
    from valle.commands.examination import Examination

SPEECH, PIECE, FAULT = "tab:blue", "tab:green", "tab:red"


def check_plot(path: Path) -> None:
    """ValueError where the name is no PNG's, ImportError without matplotlib."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"cannot draw {path}: give it a name that ends in .png")
    needed("matplotlib")


def draw(found: Examination, path: Path) -> None:
    """Write the picture, whole or not at all: waveform and spectrogram, with what was found."""
    from matplotlib.figure import Figure

    from codec.files import atomic_path

    figure = Figure(figsize=(10, 6), layout="constrained")
    wave, spectrum = figure.subplots(2, 1, sharex=True)
    _draw_wave(wave, found)
    _draw_spectrum(spectrum, found)
    faults = (found.problems if found.quality is None
              else [fault.words for fault in found.quality.faults])
    figure.suptitle("\n".join(faults) or "good as a prompt", fontsize=9,
                    color=FAULT if faults else "black")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _draw_wave(axes: Any, found: Examination) -> None:
    """The samples; where speech is, what is at full scale, and the piece taken."""
    from codec.audio import SAMPLE_RATE
    from codec.speech import CLIPPED_LEVEL, FRAME_SECONDS, active_frames, without_rumble

    seconds = np.arange(len(found.samples)) / SAMPLE_RATE
    axes.plot(seconds, found.samples, color="0.3", linewidth=0.3)
    active = active_frames(without_rumble(found.samples), SAMPLE_RATE)
    if found.quality is not None:
        axes.fill_between(np.arange(len(active)) * FRAME_SECONDS, -1, 1, where=active, step="post",
                          color=SPEECH, alpha=0.12, linewidth=0, label="speech")
    full = np.abs(found.samples) >= CLIPPED_LEVEL
    if full.any():
        axes.plot(seconds[full], found.samples[full], ".", color=FAULT, markersize=3,
                  label="at full scale")
    if found.piece:
        axes.axvspan(found.piece.start, found.piece.end, ymax=0.04, color=PIECE, label="best piece")
    axes.set(ylim=(-1, 1), ylabel="amplitude")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", fontsize=8, frameon=False)


def _draw_spectrum(axes: Any, found: Examination) -> None:
    """The spectrogram, with the end of the bandwidth, and the hum where there is one."""
    from codec.audio import SAMPLE_RATE

    axes.specgram(found.samples + 1e-7, NFFT=1024, noverlap=768, Fs=SAMPLE_RATE, vmin=-140,
                  cmap="magma")
    if found.quality is not None:
        axes.axhline(found.quality.bandwidth, color=SPEECH, linestyle="--", linewidth=1,
                     label="bandwidth")
        if found.quality.mains:
            axes.axhline(found.quality.mains, color=FAULT, linewidth=1, label="mains hum")
        axes.legend(loc="upper right", fontsize=8)
    axes.set(xlabel="seconds", ylabel="Hz")
