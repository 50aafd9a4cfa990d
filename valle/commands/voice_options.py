"""Options of every command that speaks: which model, on what, and how it draws."""
from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valle.synthesis.sampling import SamplingOptions
    from valle.tts import VALLE


def add_voice_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="starter", help="starter, or a model folder")
    parser.add_argument("--temperature", type=float, default=0.7,
                        help="lower is plainer and steadier, 0 is greedy; default 0.7")
    parser.add_argument("--top-k", type=int, default=0, help="keep the k likeliest codes; 0 is off")
    parser.add_argument("--top-p", type=float, default=0.9,
                        help="keep the likeliest codes that together reach p; default 0.9")
    parser.add_argument("--guidance", type=float, default=2.5,
                        help="how far text and prompt lead codebook 1 beyond what the model "
                             "learned: clearer words, a nearer voice; 1 is off and a third faster; "
                             "default 2.5")
    parser.add_argument("--nar-guidance", type=float, default=1.5,
                        help="the same for the other codebooks: a nearer voice, a little rougher; "
                             "default 1.5")
    parser.add_argument("--best-of", type=int, default=1,
                        help="candidates to draw of each segment, of which the clearest in the "
                             "nearest voice is kept; default 1")
    parser.add_argument("--retries", type=int, default=3,
                        help="draw further candidates of a segment, at most so many, while its "
                             "words are not clear; 0 is fastest; default 3")
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
    from valle.synthesis.sampling import SamplingOptions
    from valle.tts import VALLE

    sampling = SamplingOptions(options.temperature, options.top_k, options.top_p,
                               guidance=options.guidance, nar_guidance=options.nar_guidance,
                               best_of=options.best_of, retries=options.retries)
    tts = VALLE.from_pretrained(options.model, options.device, options.precision, options.engine)
    return tts, sampling
