"""What `valle doctor` says of recordings."""
from __future__ import annotations

import argparse
import json
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codec.audio import Samples
    from valle.model.checkpoint import Model
    from valle.recognizer.transcriber import Transcriber
    from valle.synthesis.piece import Piece
    from valle.synthesis.quality import Quality

GOOD, FAULTY, UNREADABLE = 0, 1, 2


@dataclass(frozen=True)
class Examination:
    """Of one recording.

    Attributes:
        samples: [N] at 24 kHz.
        quality: None where it cannot be a prompt.
        piece: what a prompt takes of it; None where its words are not known.
        problems: why there is no quality or no piece, and what is doubtful about the words.
    """

    samples: Samples
    quality: Quality | None
    piece: Piece | None
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        return self.quality is not None and not self.quality.faults


def examine_all(options: argparse.Namespace) -> int:
    """Print what there is to say of each recording; the exit code.

    Raises:
        ValueError, ImportError: options that do not belong together, or no matplotlib.
    """
    if len(options.recordings) > 1 and (options.text or options.plot):
        raise ValueError("--text and --plot are about one recording: give one file")
    if options.plot:
        from valle.commands.prompt_plot import check_plot

        check_plot(options.plot)
    import torch

    from valle.model.checkpoint import load_model, model_folder
    from valle.recognizer.transcriber import Transcriber

    torch.set_num_threads(1)
    model, transcriber = load_model(model_folder(options.model)), Transcriber(options.transcriber)
    worst = GOOD
    for path in options.recordings:
        try:
            found = examination(path, model, transcriber, options.text, options.language)
        except (OSError, ValueError) as error:
            print(f"valle doctor: {error}", file=sys.stderr)
            worst = UNREADABLE
            continue
        worst = max(worst, GOOD if found.good else FAULTY)
        print(json.dumps(record(path, found), ensure_ascii=False) if options.json
              else "\n".join([str(path), *(f"  {line}" for line in told(found))]), flush=True)
        if options.plot:
            from valle.commands.prompt_plot import draw

            draw(options.plot, found.samples, found.quality, found.piece, found.problems)
    return worst


def examination(path: Path, model: Model, transcriber: Transcriber, text: str | None,
                language: str) -> Examination:
    """Examine a recording; FileNotFoundError or ValueError where it cannot be read."""
    import torch

    from valle.synthesis.quality import examine
    from valle.synthesis.recording import as_samples, condition
    from valle.synthesis.voice import REFUSED_PROMPT_SECONDS, encode_prompt

    samples = as_samples(path, REFUSED_PROMPT_SECONDS)
    try:
        quality = examine(samples)
    except ValueError as error:
        return Examination(samples, None, None, (str(error),))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prompt = encode_prompt(path, text, language, model, torch.device("cpu"), transcriber)
    except ValueError as error:
        return Examination(samples, quality, None, (str(error).replace("prompt_text", "--text"),))
    known = condition(samples).found  # the faults say it, with figures
    return Examination(samples, quality, prompt.piece,
                       tuple(warning for warning in prompt.warnings if warning not in known))


def record(path: Path, found: Examination) -> dict[str, Any]:
    """A recording's examination as JSON."""
    return {"file": str(path), "good": found.good,
            "quality": found.quality and asdict(found.quality),
            "piece": found.piece and asdict(found.piece), "problems": found.problems}


def told(found: Examination) -> list[str]:
    """The lines about a recording: measures, faults with what to do, and the best piece."""
    lines = [] if found.quality is None else found.quality.lines()
    lines += [f"{'MEND' if found.quality is None else 'note':12}{problem}"
              for problem in found.problems]
    if found.piece:
        lines.append(f"{'best piece':12}{found.piece.start:.1f} to {found.piece.end:.1f} s: "
                     f"{found.piece.text}")
    return [*lines, "good as a prompt"] if found.good else lines
