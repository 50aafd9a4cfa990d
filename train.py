#!/usr/bin/env python3
"""Train one stage: `python train.py STAGE ...`. The same as `valle train`."""
from valle.cli import train_main

if __name__ == "__main__":
    raise SystemExit(train_main())
