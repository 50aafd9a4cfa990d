"""Tables of other forms, made rows whose first field names the audio: JSON lines, fields in quotes
or after spaces, the audio in a later column, columns of languages and lengths."""
from __future__ import annotations

import json
import re
from collections.abc import Sequence

from valle.data.audio_files import AudioIndex

Cells = list[tuple[int, list[str]]]     # number of the line, its fields
_LANGUAGE = re.compile(r"(?i:en|de|fr|es|it|pt|nl|zh|ja|jp|ko|ru|pl|cs|sv|da|nb|no|fi|tr|ar|hi|"
                       r"vi|yue|hu|el|uk|ro)(?:[-_][A-Za-z]{2,4})?")
_NUMBER = re.compile(r"\d+[.,]\d+")


def json_cells(lines: Sequence[str]) -> Cells:
    """{"file_name": "1.wav", "text": "..."} on each line: a header and its rows; [] for others."""
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not filled or not all(line.lstrip().startswith("{") for _, line in filled):
        return []
    try:
        rows = [(number, json.loads(line)) for number, line in filled]
    except ValueError:
        return []
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    return [(0, names), *((number, [" ".join(str(row.get(name, "")).split()) for name in names])
                          for number, row in rows)]


def spaced_cells(lines: Sequence[str], index: AudioIndex) -> Cells:
    """1.wav The words: an id, spaces and the text; [] where the ids name no audio."""
    rows = [(number, line.split(maxsplit=1)) for number, line in enumerate(lines, 1)
            if line.strip()]
    rows = [(number, [row[0].rstrip(":"), *row[1:]]) for number, row in rows]
    known = sum(len(row) == 2 and index.find(row[0]) is not None for _, row in rows)
    return rows if known and 2 * known >= len(rows) else []


def audio_first(cells: Cells, index: AudioIndex) -> Cells:
    """Rows without quotes, the column that names the audio before the others."""
    if all(re.fullmatch(r'\s*".*"\s*', cell) for _, row in cells for cell in row):
        cells = [(number, [cell.strip()[1:-1].replace('""', '"') for cell in row])
                 for number, row in cells]
    sample = [row for _, row in cells[:50]]
    known = [sum(len(row) > i and index.find(row[i]) is not None for row in sample)
             for i in range(max(map(len, sample), default=0))]
    best = max(range(len(known)), key=lambda i: (known[i], -i), default=0)
    if not known or not best or known[best] <= known[0]:
        return cells
    return [(number, [row[best], *row[:best], *row[best + 1:]] if len(row) > best else row)
            for number, row in cells]


def without_extras(cells: Cells) -> tuple[Cells, dict[int, str]]:
    """(rows without columns of languages and lengths, the language of each line).

    For rows of at least four fields, or three with a length: of fewer each is needed.
    """
    widths = [len(row) for _, row in cells]
    width = max(set(widths), key=widths.count, default=0)
    fitting = [row for _, row in cells if len(row) == width]
    languages = [i for i in range(1, width) if width > 3 and all(
        _LANGUAGE.fullmatch(row[i].strip()) for row in fitting)][:1]
    lengths = [i for i in range(1, width) if width > 2 and all(
        _NUMBER.fullmatch(row[i].strip()) for row in fitting)]
    gone = {*languages, *lengths}
    spoken = {number: re.sub("^[A-Z]+", lambda m: m[0].lower(), row[i].strip())
              for i in languages for number, row in cells if len(row) == width}
    return [(number, [cell for i, cell in enumerate(row) if i not in gone] if len(row) == width
             else row) for number, row in cells], spoken
