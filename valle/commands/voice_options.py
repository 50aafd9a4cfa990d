"""Options of every command that speaks: which model, on what, and how it draws."""
from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valle.synthesis.sampling import SamplingOptions
    from valle.tts import VALLE


SAMPLING: dict[str, tuple[int | float, str]] = {  # SamplingOptions: default and what it is
    "temperature": (0.7, "lower is plainer and steadier, 0 is greedy"),
    "top_k": (0, "keep the k likeliest codes; 0 is off"),
    "top_p": (0.9, "keep the likeliest codes that together reach p"),
    "guidance": (2.5, "how far text and prompt lead codebook 1 beyond what the model learned: "
                      "clearer words, a nearer voice; 1 is off and a third faster"),
    "nar_guidance": (1.0, "the same for the other codebooks: a nearer voice, a little rougher"),
    "best_of": (1, "candidates to draw of each segment, of which the clearest in the nearest voice "
                   "is kept"),
    "retries": (3, "draw further candidates of a segment, at most so many, while its words are not "
                   "clear; 0 is fastest"),
    "pause": (0.4, "least seconds of silence between sentences; twice as long between paragraphs"),
}


def add_voice_arguments(parser: argparse.ArgumentParser) -> None:
    """How speech is drawn is the model's matter, where no option says otherwise."""
    parser.add_argument("--model", default="starter", help="starter, or a model folder")
    for name, (usual, told) in SAMPLING.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(usual),
                            help=f"{told} (default: the model's, {usual} where it has none)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--precision", default="auto",
                        help="of the models' weights: int8, bfloat16 or float32; default auto: "
                             "int8 on a CPU, where the AR is twice as fast")
    parser.add_argument("--engine", default="auto",
                        help="what runs the AR: native (C, compiled for this machine at first "
                             "use), torch, compiled (torch.compile, on CUDA as one graph: for a "
                             "server), or llama.cpp where llama-cpp-python is installed; "
                             "default auto: native on a CPU with a C compiler, else torch")


def load_voice(options: argparse.Namespace) -> tuple[VALLE, SamplingOptions]:
    """The model and the way to draw that the options ask for.

    Raises:
        FileNotFoundError, ValueError: what is wrong with an option or a model, in one line.
    """
    from valle.engine.select import pick_device
    from valle.synthesis.sampling import SamplingOptions
    from valle.tts import VALLE

    given = {name: getattr(options, name) for name in SAMPLING
             if getattr(options, name) is not None}
    SamplingOptions(**given)  # what is wrong is said before the model loads
    pick_device(options.device)
    tts = VALLE.from_pretrained(options.model, options.device, options.precision, options.engine)
    return tts, replace(tts.sampling, **given)
