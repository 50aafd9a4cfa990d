#!/usr/bin/env python3
"""Learning curves of the runs that are there: `python recipes/starter/curves.py runs OUT.png`."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

PANELS = {
    "codec": ("valid/unquantized", "valid/books_1", "valid/books_4", "valid/books_8"),
    "decoder": ("valid/plain", "valid/voice", "valid/phones", "valid/one_book", "valid/disguised"),
    "aligner": ("train/loss",),
    "ar": ("train/loss", "valid/loss", "valid/code_loss"),
    "nar": ("valid/loss_2", "valid/loss_3", "valid/loss_4"),
}


def main(runs: Path, out: Path) -> None:
    found = {run: keys for run, keys in PANELS.items() if (runs / run / "metrics.jsonl").is_file()}
    figure, axes = plt.subplots(1, len(found), figsize=(4 * len(found), 3.2), squeeze=False)
    for axis, (run, keys) in zip(axes[0], found.items(), strict=True):
        lines = (runs / run / "metrics.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        for key in keys:
            points = [(r["step"], r[key]) for r in records if key in r]
            axis.plot(*zip(*points, strict=True), label=key, linewidth=1)
        axis.set(title=run, xlabel="step")
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out, dpi=70)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
