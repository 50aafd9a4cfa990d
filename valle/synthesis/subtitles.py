"""Word timings as files: SubRip, WebVTT, JSON, and Praat's TextGrid."""
from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from codec.files import atomic_path
from valle.synthesis.words import Timing, as_records

SUFFIXES = {"srt": ".srt", "vtt": ".vtt", "json": ".words.json", "textgrid": ".TextGrid"}
LINE, LINES = 42, 2  # characters, and lines of a cue, as broadcasters have it
LONGEST = 7.0        # seconds of a cue
PAUSE = 0.6          # seconds of silence that end one
ENDS = (".", "?", "!", "…", ".\"", "?\"", "!\"", ".”", "?”", "!”", ".’", "?’", "!’")


def beside(path: Path, kind: str) -> Path:
    """Where the word timings of a sound file stand. kind: one of SUFFIXES."""
    return path.with_suffix(SUFFIXES[kind])


def write_subtitles(path: Path, kind: str, words: Sequence[Timing], seconds: float) -> None:
    """Write (word, start, end) in seconds of a sound that lasts `seconds`: whole or not at all."""
    written = {"srt": srt, "vtt": vtt, "json": as_json,
               "textgrid": lambda timings: textgrid(timings, seconds)}[kind](words)
    with atomic_path(path) as temporary:
        temporary.write_text(written, encoding="utf-8")


def cues(words: Sequence[Timing]) -> list[tuple[str, float, float]]:
    """(lines, start, end) of stretches that can be read: sentences, cut where they are long."""
    found: list[list[Timing]] = []
    for word in words:
        last = found[-1] if found else []
        if (not last or last[-1][0].endswith(ENDS) or word[1] - last[-1][2] > PAUSE
                or word[2] - last[0][1] > LONGEST
                or len(_lines([*last, word])) > LINES):
            found.append([word])
        else:
            last.append(word)
    return [("\n".join(_lines(one)), one[0][1], one[-1][2]) for one in found]


def srt(words: Sequence[Timing]) -> str:
    return "\n".join(f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n"
                     for number, (text, start, end) in enumerate(cues(words), 1))


def vtt(words: Sequence[Timing]) -> str:
    escaped = [(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), start, end)
               for text, start, end in words]
    return "WEBVTT\n\n" + "\n".join(
        f"{clock(start, '.')} --> {clock(end, '.')}\n{text}\n"
        for text, start, end in cues(escaped))


def as_json(words: Sequence[Timing]) -> str:
    """As the server's captions: a list of {"word", "start_time", "end_time"}."""
    return json.dumps(as_records(words), ensure_ascii=False, indent=0) + "\n"


def textgrid(words: Sequence[Timing], seconds: float) -> str:
    """One tier of words that fills 0 to `seconds`, silence as empty intervals (long format)."""
    edges = [("", 0.0, 0.0), *words, ("", seconds, seconds)]
    intervals: list[Timing] = []
    for (_, _, before), (word, start, end) in pairwise(edges):
        if start > before:
            intervals.append(("", before, start))
        if end > start:
            intervals.append((word, start, end))
    head = f'''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = {seconds:.4f}
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = {seconds:.4f}
        intervals: size = {len(intervals)}
'''
    return head + "".join(
        f"        intervals [{number}]:\n            xmin = {start:.4f}\n"
        f"            xmax = {end:.4f}\n            text = {_quoted(word)}\n"
        for number, (word, start, end) in enumerate(intervals, 1))


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def clock(seconds: float, mark: str) -> str:
    """00:01:02,345 with `mark` before the milliseconds."""
    whole, milliseconds = divmod(round(1000 * seconds), 1000)
    return (f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{mark}"
            f"{milliseconds:03d}")


def _lines(words: Sequence[Timing]) -> list[str]:
    return textwrap.wrap(" ".join(word for word, _, _ in words), LINE, break_long_words=False,
                         break_on_hyphens=False)
