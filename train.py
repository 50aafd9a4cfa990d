#!/usr/bin/env python3
"""Train one stage: `python train.py --stage codec|aligner|ar|nar --help` explains each."""
from valle.cli import train_main

if __name__ == "__main__":
    raise SystemExit(train_main())
