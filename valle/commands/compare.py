"""Compare two voices that were evaluated on the same protocol.

  valle compare out/old out/new
  valle compare out/old out/new --version-a synthesis --version-b resynthesis --out difference.md

Prints both figures, the paired difference with its 95 % bootstrap interval, and which is better
where the interval excludes 0. A and B are folders that `valle evaluate voice` wrote.
"""
from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="results of the first")
    parser.add_argument("b", type=Path, metavar="B", help="results of the second")
    parser.add_argument("--version-a", default="synthesis",
                        help='row of A to take: synthesis (default), resynthesis, "ground truth", '
                             "or a --name")
    parser.add_argument("--version-b", default="synthesis", help="row of B to take")
    parser.add_argument("--out", type=Path, help="also write the table to this file")


def run(options: argparse.Namespace) -> int:
    from valle.evaluate.compare import compare
    from valle.evaluate.results import rows_of, write_text

    a, b = (rows_of(folder, version) for folder, version in
            ((options.a, options.version_a), (options.b, options.version_b)))
    names = (f"A: {options.a} {options.version_a}", f"B: {options.b} {options.version_b}")
    text = compare(a, b, names)
    if options.out:
        write_text(options.out, text)
    print(text)
    return 0
