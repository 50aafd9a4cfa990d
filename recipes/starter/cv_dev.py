#!/usr/bin/env python3
"""Prints the Common Voice clips of the development speakers: client ids that start with 0 or 1."""
from __future__ import annotations

import csv
import sys
from pathlib import Path

with open(Path(sys.argv[1]) / "CommonVoice/en/validated.tsv", encoding="utf-8") as file:
    for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["client_id"][0] in "01":
            print(Path(row["path"]).with_suffix(".opus"))
