"""Lists of pairs that others have fixed, in their own formats."""
from __future__ import annotations

from pathlib import Path

from valle.evaluate.protocols import Item


def read_list(path: Path, root: Path) -> list[Item]:
    """Items of a list; how its lines are divided says which kind it is.

    F5-TTS (`librispeech_pc_test_clean_cross_sentence.lst`): six columns divided by tabs: prompt,
    its seconds, its text, target, its seconds, its text; utterances are below
    ROOT/SPEAKER/CHAPTER/. Seed-TTS (`meta.lst`): name|prompt text|prompt wav|text, sometimes with
    |recording of the text; paths are relative to ROOT, and without a fifth column the recording is
    ROOT/wavs/NAME.wav where there is one.

    Raises:
        ValueError: a line of neither kind.
    """
    items = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        columns = line.strip().split("\t")
        if len(columns) == 6:
            items.append(_f5(columns, root))
        elif len(columns) == 1 and line.count("|") in (3, 4):
            items.append(_seed_tts(line.strip().split("|"), root))
        elif line.strip():
            raise ValueError(f"{path} line {number} is neither an F5 line (6 columns divided by "
                             "tabs) nor a Seed-TTS line (4 or 5 columns divided by |)")
    return items


def _f5(columns: list[str], root: Path) -> Item:
    prompt, _, prompt_text, target, _, text = columns
    return Item(target, target, root.name, target.split("-")[0], (_librispeech(prompt, root),),
                prompt_text, text, truth=_librispeech(target, root))


def _librispeech(name: str, root: Path) -> str:
    """Path of an utterance SPEAKER-CHAPTER-NUMBER, with the suffix it has here."""
    folder = "/".join(name.split("-")[:2])
    found = sorted((root / folder).glob(f"{name}.*"))
    return f"{folder}/{found[0].name if found else f'{name}.flac'}"


def _seed_tts(columns: list[str], root: Path) -> Item:
    name, prompt_text, prompt, text, *recorded = columns
    truth = recorded[0] if recorded else f"wavs/{name}.wav"
    present = (root / truth).is_file()
    return Item(name, name, root.name, Path(prompt).stem, (prompt,), prompt_text, text,
                truth=truth if present else "")
