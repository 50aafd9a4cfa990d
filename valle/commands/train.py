"""Train one stage. The same command goes on after Ctrl-C or a crash.

  valle train ar --data data/libri --out runs/ar --steps 7000

--out gets checkpoint.safetensors (and the one before), metrics.jsonl, a TensorBoard folder
(`tensorboard --logdir OUT`), the files that inference loads, and in best/ those of the best
validation. A run that was stopped by a signal ends with 130 (Ctrl-C) or 143 (SIGTERM). Several
processes share the batches of a step (docs/training.md):

  torchrun --nproc-per-node 2 train.py ar --accumulate 2 --data ...
"""
from __future__ import annotations

import argparse
from collections.abc import Sequence

from valle.commands.flags import add_flags, from_flags
from valle.commands.parser import Parser
from valle.training.stages import load_stage, stages


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """`valle train STAGE ...`; `--stage STAGE`, anywhere among the options, means the same."""
    known = stages()
    parser.epilog = "stages:\n" + "\n".join(f"  {n:12}{line}" for n, line in known.items()) + (
        f"\n\n`{parser.prog} STAGE --help` explains the options of each.")
    parser.add_argument("stage", choices=known, metavar="STAGE", help=", ".join(known))
    stage, rest = split_stage(list(arguments))
    name = parser.parse_args([stage] if stage is not None else rest[:1]).stage
    own = Parser(f"{parser.prog} {name}", known[name])
    from valle.training.run import Data
    from valle.training.stage import LoopConfig

    add_flags(own, Data, LoopConfig, *load_stage(name).CONFIGS)
    own.set_defaults(stage=name)
    return own.parse_args(rest)


def split_stage(arguments: list[str]) -> tuple[str | None, list[str]]:
    """(the stage that arguments name, the others)."""
    for i, argument in enumerate(arguments):
        if argument == "--stage" and i + 1 < len(arguments):
            return arguments[i + 1], arguments[:i] + arguments[i + 2:]
        if argument.startswith("--stage="):
            return argument.removeprefix("--stage="), arguments[:i] + arguments[i + 1:]
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    return None, arguments


def run(options: argparse.Namespace) -> int:
    from valle.training.run import Data, train
    from valle.training.stage import LoopConfig

    configs = (Data, LoopConfig, *load_stage(options.stage).CONFIGS)
    progress = train(options.stage, *(from_flags(options, kind) for kind in configs))
    return 128 + progress.signal if progress.signal else 0
