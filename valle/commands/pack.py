"""Join trained parts into one model folder with eight-bit weights, as `--model` takes it."""
from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path)
    for name in ("codec", "ar", "nar"):
        parser.add_argument(f"--{name}", type=Path, required=True,
                            help=f"folder of the {name}, or starter")
    parser.add_argument("--aligner", type=Path, help="folder of the aligner, or starter; needed by "
                                                       "the interleaved layout")


def run(options: argparse.Namespace) -> int:
    from valle.model.checkpoint import pack

    pack(**vars(options))
    size = sum(f.stat().st_size for f in options.out.iterdir()) / 2 ** 20
    print(f"{options.out}: {size:.1f} MiB")
    return 0
