"""The command line: `valle COMMAND` for each of COMMANDS, `infer.py` and `train.py`.

User mistakes end in one line on stderr and exit code 1, wrong options in 2, Ctrl-C in 130.
"""
from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from valle.commands.parser import Parser
from valle.version import __version__

COMMANDS = {
    "say": "speak a text in the voice of a three-second prompt",
    "read": "read a book or subtitles aloud, with chapters, resumable",
    "edit": "change words of a recording, and nothing else in it",
    "convert": "what a recording says, when it says it, in another voice",
    "phones": "show what will be said: a text as words and as phones",
    "voices": "keep prompts under names: add, list, show, play, rm, export, import",
    "serve": "answer requests for speech by HTTP, as OpenAI's API does",
    "train": "train the codec, the aligner, the AR, the NAR, or a judge",
    "prepare": "turn a corpus into phones, codes and timings for training",
    "pack": "join trained parts into one model folder",
    "export": "write the AR for transformers, vLLM and SGLang",
    "evaluate": "measure a voice, a codec or a judge: words, speaker, quality",
    "compare": "two evaluated voices: paired differences with intervals",
    "detect": "say whether sound files are synthetic: their watermark and their metadata",
    "transcribe": "write down what recordings say",
    "doctor": "check the installation, or how good recordings are as prompts",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `valle`; returns the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser(
        "valle", "Zero-shot speech synthesis in the VALL-E style.",
        epilog="commands:\n" + "\n".join(f"  {n:12}{h}" for n, h in COMMANDS.items())
        + "\n\n`valle COMMAND --help` explains each.")
    parser.add_argument("--version", action="version", version=f"valle {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    command = parser.parse_args(arguments[:1]).command
    return run(command, arguments[1:], f"valle {command}")


def infer_main() -> int:
    """Entry point of `infer.py`."""
    return run("say", sys.argv[1:], "infer.py")


def train_main() -> int:
    """Entry point of `train.py`."""
    return run("train", sys.argv[1:], "train.py")


def run(command: str, arguments: Sequence[str], prog: str) -> int:
    """Parse the options of one command and run it; every user mistake becomes one line."""
    warnings.showwarning = _one_line  # type: ignore[assignment]
    try:
        module = importlib.import_module(f"valle.commands.{command}")
        body: Callable[[argparse.Namespace], int] = module.run
        return body(parse(module, arguments, prog))
    except (ValueError, OSError, ImportError) as error:
        if os.environ.get("VALLE_DEBUG"):
            raise
        print(f"{prog}: {describe(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{prog}: stopped", file=sys.stderr)
        return 130


def parse(module: ModuleType, arguments: Sequence[str], prog: str) -> argparse.Namespace:
    """The options of a command: it adds its own, or parses them where they depend on each other."""
    parser = Parser(prog, module.__doc__ or "")
    if hasattr(module, "parse"):
        options: argparse.Namespace = module.parse(parser, arguments)
        return options
    module.add_arguments(parser)
    return parser.parse_args(list(arguments))


def describe(error: Exception) -> str:
    """An error as one line that a user can act on; arguments become options."""
    argument = getattr(error, "argument", None)  # of a codec.record.WrongValue
    if argument:
        return f"--{str(error).replace(argument, argument.replace('_', '-'), 1)}"
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}"
    return " ".join(str(error).split()) or type(error).__name__


def _one_line(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if not issubclass(category, (DeprecationWarning, FutureWarning)):
        print(f"warning: {message}", file=sys.stderr)
