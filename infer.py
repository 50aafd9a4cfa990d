#!/usr/bin/env python3
"""Speak a text in the voice of a prompt: `python infer.py --help`. The same as `valle say`."""
from valle.cli import infer_main

if __name__ == "__main__":
    raise SystemExit(infer_main())
