"""Tables beside audio, LJSpeech's and its relatives: `ID|text`, with or without further columns.

Which column is which is told by a header line, or by what is in them: the speaker's is short and
says the same again and again, and is neither a manner of speaking nor shared by several folders.
Where that does not decide, the table is refused.
"""
from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from valle.data.audio_files import AudioIndex
from valle.data.forms import Cells, audio_first, json_cells, spaced_cells, without_extras
from valle.data.recording import read_text

HEADERS = {
    "id": "id file filename name path wav audio audiofile audiopath audiofilepath wavfile wavpath "
          "wavfilename clip utterance uttid utteranceid fileid",
    "text": "text sentence transcript transcription transcribed label rawtext phrase words "
            "utterancetext originaltext",
    "normalised": "normalizedtext normalisedtext normalized normalised textnormalized "
                  "normalizedtranscription normalizedtranscript cleantext",
    "speaker": "speaker speakername speakerid spk spkid clientid voice reader readerid narrator",
    "language": "language lang locale langcode",
}
COLUMN = {word: column for column, words in HEADERS.items() for word in words.split()}
LONGEST_NAME = 3  # words of a speaker's name
LEAST_ALIKE = 0.6  # of a text and the same with its numbers written out, by common letters
# What a short column says that is not the speaker's: how, where and for what it was spoken.
MANNER_WORDS = """
    afraid amused anger angry annoyed anxious anxiety bored boredom calm cheerful confused contempt
    content depressed disgust disgusted emotional enthusiastic envious excited excitement fear
    fearful friendly frustrated frustration happiness happy hopeful joy joyful laughing loving mad
    nervous neutral pain pleasant pleased proud relief relieved sad sadness sarcastic scared serious
    shocked shouting shy sleepy surprise surprised surprising tender tired unfriendly unhappy upset
    worried whisper whispered whispering yell ps na none unknown other default
    announcement assertive audiobook casual chat clear command conversation conversational customer
    dialog dialogue expressive fast formal humming imitation informal loud monotone narration
    narrative news normal plain poem poetry question questions read reading singing slow soft
    spontaneous standard statement story whispery
    female male woman man f m child adult teen teens twenties thirties forties fourties fifties
    sixties seventies eighties nineties old young
    train training dev development test testing valid validation val eval evaluation
    bad clean good high low medium mid noisy ok poor quiet strong studio telephone weak
    true false yes no accepted rejected"""
MANNERS = frozenset(MANNER_WORDS.split())
FORM = "lines must be ID|text, ID|speaker|text or ID|text|speaker"


@dataclass(frozen=True)
class Row:
    """One line of a table; `problem` says why it cannot be read."""

    line: int
    id: str
    text: str | None = None
    speaker: str | None = None
    language: str | None = None
    problem: str | None = None


def read_table(path: Path, index: AudioIndex) -> list[Row]:
    """Rows of a table whose audio is in `index`.

    Raises:
        ValueError: not UTF-8, or nothing says which column is the text.
    """
    lines = read_text(path).splitlines()
    languages: dict[int, str] = {}
    cells = audio_first(_cells(path, lines, index), index)
    header = _header(cells[0][1], index) if cells else None
    if header:
        cells = cells[1:]
        if "text" not in header and "normalised" not in header:
            raise ValueError(f"{path} has no column called text: {', '.join(header)}")
        width = len(header)
    else:
        cells, languages = without_extras(cells)
        widths = [len(row) for _, row in cells]
        width = max(set(widths), key=widths.count) if widths else 0
    fitting = [row for _, row in cells if len(row) == width]
    columns = header or _columns(path, fitting, [_folder(row[0], index) for row in fitting])
    rows = []
    for line, row in cells:
        if len(row) != width:
            rows.append(Row(line, row[0].strip(), problem=f"line {line} of {path.name} has "
                            f"{len(row)} fields, the others have {width}"))
            continue
        named = {column: row[i].strip() for i, column in enumerate(columns) if column}
        rows.append(Row(line, named["id"], named.get("normalised") or named.get("text") or None,
                        named.get("speaker") or None,
                        named.get("language") or languages.get(line)))
    return rows


def is_table(path: Path, index: AudioIndex) -> bool:
    """Whether most of the first lines name audio."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = [line.rstrip("\n") for line, _ in zip(file, range(20), strict=False)
                     if line.strip()]
    except (UnicodeDecodeError, OSError):
        return False
    cells = audio_first(json_cells(lines) or spaced_cells(lines, index) or [
        (number, re.split(r"[|\t]", line)) for number, line in enumerate(lines, 1)], index)
    known = sum(len(row) > 1 and index.find(row[0]) is not None for _, row in cells)
    return known > 0 and 2 * known >= len(lines) - 1


def _cells(path: Path, lines: Sequence[str], index: AudioIndex) -> Cells:
    """The fields of each line, in any form of table."""
    if found := json_cells(lines):
        return found
    try:
        return _split(lines, *_delimiter(path, lines, index))
    except ValueError:
        if found := spaced_cells(lines, index):
            return found
        raise


def _delimiter(path: Path, lines: Sequence[str], index: AudioIndex) -> tuple[str, bool]:
    """(what stands between fields, whether fields may be quoted)."""
    filled = [line for line in lines if line.strip()]
    for mark in ("|", "\t"):
        if 2 * sum(mark in line for line in filled) > len(filled):
            return mark, False
    first = filled[0] if filled else ""
    for mark in (",", ";"):
        if _header(next(csv.reader([first], delimiter=mark), []), index):
            return mark, True
    raise ValueError(f"{path}: {FORM}; it begins with {first[:60]!r}")


def _split(lines: Sequence[str], delimiter: str, quoted: bool) -> list[tuple[int, list[str]]]:
    """(number of the line, its fields); empty lines are passed over."""
    if not quoted:
        return [(number, line.split(delimiter)) for number, line in enumerate(lines, 1)
                if line.strip()]
    reader = csv.reader([line + "\n" for line in lines], delimiter=delimiter)
    return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]


def _header(row: Sequence[str], index: AudioIndex) -> list[str] | None:
    """What each column is ("" for one that is not needed), or None where this is no header."""
    names = [COLUMN.get(re.sub(r"[\W_]", "", cell).lower(), "") for cell in row]
    if len(row) < 2 or index.find(row[0]) is not None:
        return None
    return names if "id" in names and len({*names} - {""}) > 1 else None


def _folder(name: str, index: AudioIndex) -> Path | None:
    """The folder of the audio that a row names."""
    found = index.find(name)
    return None if found is None else found.parent


def _columns(path: Path, rows: Sequence[Sequence[str]], folders: Sequence[Path | None],
             ) -> list[str]:
    """What each column is, by what is in it ("" for one that is not needed).

    folders: of the audio of each row.

    Raises:
        ValueError: that does not decide.
    """
    width = len(rows[0]) if rows else 0
    if width < 2:
        raise ValueError(f"{path}: {FORM}")
    if width == 2:
        return ["id", "text"]
    cells = [[row[i].strip() for row in rows] for i in range(1, width)]
    some = [i for i, column in enumerate(cells)
            if not _is_manner(column) and not _crosses(column, folders)]
    names = [i for i in some if _may_be_names(cells[i], [cells[j] for j in some if j != i])]
    texts = [i for i in some if i not in names]
    if len(names) > 1 or not texts or len(texts) > 2 or (
            len(texts) == 2 and not _alike(cells[texts[0]], cells[texts[1]])):
        raise ValueError(f"{path}: nothing says which of {width} columns is the text and which the "
                         "speaker; write a first line such as id|speaker|text")
    columns = [""] * (width - 1)
    for i in names:
        columns[i] = "speaker"
    columns[texts[0]] = "text"
    if len(texts) == 2:  # LJSpeech: as printed, then as read
        columns[texts[1]] = "normalised"
    return ["id", *columns]


def _is_manner(column: Sequence[str]) -> bool:
    """Whether a column says how, where or for what something was said, and not by whom."""
    filled = {cell.lower() for cell in column if cell}
    return bool(filled) and all(
        {*re.findall("[a-z]+", cell)} <= MANNERS and re.search("[a-z]", cell) for cell in filled)


def _crosses(column: Sequence[str], folders: Sequence[Path | None]) -> bool:
    """Whether a short column divides each of several folders, and each in the same way.

    Folders are then the speakers', and the column is a manner that MANNERS does not know.
    """
    values = {cell for cell in column if cell}
    places = {folder for folder in folders if folder}
    if len(values) < 2 or len(places) < 2 or 2 * len(values) > len(column):
        return False
    met = {(cell, folder) for cell, folder in zip(column, folders, strict=True) if cell and folder}
    return len(met) == len(values) * len(places)


def _alike(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether two columns say much the same, as a text and how it is read do; or one is empty."""
    some = [(x.lower(), y.lower()) for x, y in zip(a, b, strict=True) if x and y][:100]
    ratios = [difflib.SequenceMatcher(None, x, y, autojunk=False).ratio() for x, y in some]
    return sum(ratios) >= LEAST_ALIKE * len(ratios)


def _may_be_names(column: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether a column names speakers: short, no sentences, and not what other columns say.

    A name of several words must come again and again.
    """
    filled = [cell for cell in column if cell]
    if not filled or any(len(cell.split()) > LONGEST_NAME or re.search(r"[.!?,;:]$", cell)
                         or re.fullmatch(r"\d+[.,]\d+", cell) for cell in filled):
        return False
    for other in others:
        alike = sum(a.lower() == b.lower().rstrip(".!?,;:")
                    for a, b in zip(column, other, strict=True))
        if 2 * alike > len(column):
            return False
    words = [sum(len(cell.split()) for cell in c) for c in (column, *others)]
    single = not any(len(cell.split()) > 1 for cell in filled)
    repeats = 2 * len(set(filled)) <= len(filled)
    longest = max(words[1:], default=0)
    if longest > words[0]:
        return single or repeats
    fewest = min((len(set(other)) for other in others), default=0)
    return repeats and len(set(filled)) < fewest
