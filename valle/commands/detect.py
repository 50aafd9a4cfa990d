"""Say whether sound files are synthetic, by their watermark and by what they say of themselves.

  valle detect speech.mp3
  valle detect *.wav --json

One line for each file: the path, a tab, what was found. The watermark is Perth's; Chatterbox and
others use the same one, and it does not say who made the speech. Metadata says by what and when,
until somebody takes it out. Where neither is found, the speech may still be synthetic. Without the
package resemble-perth the metadata alone are read: pip install 'valle[watermark]'.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle.features.progress import progress

if TYPE_CHECKING:
    from valle.synthesis.watermark import Watermark

PART_SECONDS = 10  # at least, but for a file that is shorter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="AUDIO",
                        help="WAV, FLAC, OGG, Opus or MP3, up to half an hour; with PyAV also M4A "
                             "and AAC")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each file")


def run(options: argparse.Namespace) -> int:
    from valle.synthesis.watermark import Watermark, is_installed

    watermark = Watermark() if is_installed() else None
    if watermark is None:
        print("warning: watermarks are not looked for: pip install 'valle[watermark]'",
              file=sys.stderr)
    failed = False
    for file in options.files:
        try:
            found = look(file, watermark)
        except (OSError, ValueError) as error:
            print(f"valle detect: {error}", file=sys.stderr)
            failed = True
            continue
        print(json.dumps(found) if options.json else f"{file}\t{in_words(found)}", flush=True)
    return 1 if failed else 0


def look(file: Path, watermark: Watermark | None) -> dict[str, Any]:
    """What a file's sound and its metadata tell.

    Raises:
        FileNotFoundError, ValueError: it cannot be read as audio.
    """
    from codec.audio import read_tags
    from valle.synthesis.finish import says_synthetic
    from valle.synthesis.watermark import FOUND

    tags, scores = read_tags(file), scores_of(file, watermark) if watermark else []
    return {"file": str(file), "watermark": max(scores) > FOUND if scores else None,
            "parts": len(scores), "marked_parts": sum(score > FOUND for score in scores),
            "score": round(max(scores), 3) if scores else None,
            "says_synthetic": says_synthetic(tags),
            "by": tags.get("artist", ""), "date": tags.get("date", "")}


def scores_of(file: Path, watermark: Watermark) -> list[float]:
    """Of each part, so that a little marked speech among much else is found."""
    import numpy as np

    from codec.audio import SAMPLE_RATE, load_audio
    from valle.data.loading import LONGEST_SECONDS

    samples = load_audio(file, max_seconds=LONGEST_SECONDS)
    parts = np.array_split(samples, max(1, len(samples) // (PART_SECONDS * SAMPLE_RATE)))
    return [watermark.score(part, SAMPLE_RATE)
            for part in progress(parts, desc=file.name, unit="parts", brief=True)]


def in_words(found: dict[str, Any]) -> str:
    mark = ("watermark not looked for" if found["watermark"] is None else
            f"watermark in {found['marked_parts']} of {found['parts']} parts" if found["watermark"]
            else "no watermark")
    says = (f"says that it is synthetic, by {found['by']}, {found['date']}"
            if found["says_synthetic"] else "does not say that it is synthetic")
    return f"{mark}; {says}"
