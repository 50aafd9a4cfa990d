"""Options of every command that speaks: which model, on what, and how it draws."""
from __future__ import annotations

import argparse
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from valle.commands.flags import add_flags
from valle.synthesis.options import SamplingOptions
from valle.synthesis.subtitles import SUFFIXES

# oneDNN would keep a thousand kernels, each for one length of a segment: 5 MB more with each.
KERNELS = "32"
KERNEL_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")

if TYPE_CHECKING:
    from valle.synthesis.watermark import Watermark
    from valle.tts import VALLE


def voices_folder() -> Path:
    """Where voices are kept unless told otherwise."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "valle" / "voices"


def add_voice_arguments(parser: argparse.ArgumentParser) -> None:
    """How speech is drawn is the model's matter, where no option says otherwise."""
    parser.add_argument("--model", default="starter", help="starter, or a model folder")
    add_flags(parser, SamplingOptions)
    parser.set_defaults(**dict.fromkeys(asdict(SamplingOptions())))
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto",
                        help="of the models' weights: int8, bfloat16 or float32; default auto: "
                             "int8 on a CPU, where the AR is twice as fast")
    parser.add_argument("--engine", default="auto",
                        help="what runs the AR: native (C, compiled for this machine at first "
                             "use), torch, compiled (torch.compile, on CUDA as one graph: for a "
                             "server), or llama.cpp where llama-cpp-python is installed; "
                             "default auto: native on a CPU with a C compiler, else torch")


def add_transcriber_argument(parser: argparse.ArgumentParser) -> None:
    """Of the commands that take prompts without their words."""
    parser.add_argument("--transcriber", default="base", metavar="MODEL",
                        help="who writes down a prompt that comes without its words: a Whisper "
                             "model on this machine by name or folder, a folder of `valle train "
                             "recognizer`, or pocketsphinx; default base, where it is missing "
                             "pocketsphinx")


def add_lexicon_argument(parser: argparse.ArgumentParser) -> None:
    """Of the commands that speak, or show what they would say."""
    parser.add_argument("--lexicon", type=Path, metavar="FILE",
                        help="words and how they are said, see `valle phones --help`")


def add_subtitles_argument(parser: argparse.ArgumentParser) -> None:
    """Of the commands that write speech into files."""
    parser.add_argument("--subtitles", choices=SUFFIXES,
                        help="write when each word is said, beside --out: as SubRip, WebVTT, JSON "
                             "or for Praat")


def add_voices_argument(parser: argparse.ArgumentParser) -> None:
    """Of the commands that know voices by name."""
    parser.add_argument("--voices", type=Path, metavar="FOLDER", default=voices_folder(),
                        help="where voices are kept")


def add_watermark_argument(parser: argparse.ArgumentParser) -> None:
    """Of the commands whose speech goes out into the world."""
    parser.add_argument("--watermark", action=argparse.BooleanOptionalAction,
                        help="mark the sound itself, for `valle detect` to find; default: "
                             "where resemble-perth is installed (pip install 'valle[watermark]')")


def watermark_of(options: argparse.Namespace) -> Watermark | None:
    """What the options have the speech marked with.

    Raises:
        ImportError: it is wanted, and is not installed.
    """
    from valle.synthesis.watermark import Watermark, is_installed

    wanted = is_installed() if options.watermark is None else options.watermark
    return Watermark() if wanted else None


def load_marked_voice(options: argparse.Namespace) -> tuple[VALLE, SamplingOptions]:
    """As `load_voice`, and its speech is marked as the options ask.

    Raises:
        ImportError: a mark is wanted, and cannot be made.
    """
    watermark = watermark_of(options)
    tts, sampling = load_voice(options)
    tts.watermark = watermark
    return tts, sampling


def load_voice(options: argparse.Namespace) -> tuple[VALLE, SamplingOptions]:
    """The model and the way to draw that the options ask for.

    Raises:
        FileNotFoundError, ValueError: what is wrong with an option or a model, in one line.
    """
    from valle.engine.select import pick_device
    from valle.tts import VALLE

    given = {name: getattr(options, name) for name in asdict(SamplingOptions())
             if getattr(options, name) is not None}
    SamplingOptions(**given)  # what is wrong is said before the model loads
    pick_device(options.device)
    for name in KERNEL_CACHES:
        os.environ.setdefault(name, KERNELS)
    tts = VALLE.from_pretrained(options.model, options.device, options.precision, options.engine)
    return tts, replace(tts.sampling, **given)
