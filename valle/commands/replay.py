"""The JSON file beside speech as the options of `valle say` that make the same samples again."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from codec.record import read_json

OPTIONS: dict[str, type] = {
    "text": str, "prompt": str, "prompt_text": str, "language": str, "seed": int, "model": str,
    "continuation": bool, "device": str, "precision": str, "engine": str, "temperature": float,
    "top_k": int, "top_p": float, "guidance": float, "nar_guidance": float,
    "nar_temperature": float, "best_of": int, "retries": int, "pause": float}
KEPT = ("valle", "torch", "weights", "prompt_sha256", "sha256")


def replay(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill in the options that a record holds; what the result is compared with.

    A prompt that has moved may be given again as --prompt-audio.

    Raises:
        FileNotFoundError, ValueError: no record, or one without what is needed.
    """
    from valle.synthesis.voice_file import SUFFIX

    if not path.is_file():
        raise FileNotFoundError(f"no record at {path}: give the JSON file beside the speech")
    record = read_json(path)
    for name, kind in OPTIONS.items():
        value = record.get(name)
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"{path} holds no {name}: it is no record of valle 0.10 or later")
    moved = options.prompt_audio
    for name in OPTIONS:
        setattr(options, name, record[name])
    if not record["prompt"] and moved is None:
        raise ValueError(f"the prompt of {path} was no file: give it with --prompt-audio")
    source = moved or Path(record["prompt"])
    kept = source.suffix == SUFFIX  # a voice's file, not a recording
    options.prompt_audio, options.voice = (None, str(source)) if kept else (source, None)
    if kept:
        options.prompt_text = None
    options.watermark = bool(record.get("watermark"))  # which valle 0.12 did not have
    options.text_file = options.prompt_text_file = options.lexicon = None
    return {name: str(record.get(name, "")) for name in KEPT}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Why the samples may not be those of the record, in words."""
    names = {"valle": "valle was", "torch": "torch was", "weights": "the model's weights were",
             "prompt_sha256": "the prompt's samples were"}
    return [f"{words} {before[name][:16]}, now {str(after.get(name))[:16]}"
            for name, words in names.items() if before[name] != str(after.get(name))]
