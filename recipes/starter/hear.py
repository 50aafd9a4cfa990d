"""Texts by Whisper: for recordings that have none, and a check of those that have one.

    python recipes/starter/hear.py FOLDER [FOLDER ...]

The folders were written by `valle prepare`. What Whisper base hears goes into heard.jsonl beside
each manifest, a line for each clip, so that a stopped run goes on. Then the manifest: a clip
without text gets what was heard, where Whisper is sure of it; a clip whose text it contradicts
(CER over .25) gets what was heard where Whisper is sure, and loses its text where it is not.
Phones change with the text, so timings go: time them again afterwards. Whisper needs about a
second and a half of one core for a clip. It is then no judge of what is trained on this alone.
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from tqdm import tqdm

from codec.audio import SAMPLE_RATE
from g2p import phonemize
from valle.data.lock import locked
from valle.data.manifest import MANIFEST, Utterance, load_samples, read_manifest, write_manifest
from valle.data.workers import pool
from valle.evaluate.wer import character_errors, comparable
from valle.features.text import words
from valle.recognizer.whisper import Transcript, Whisper

HEARD = "heard.jsonl"
CONTRADICTED = 0.25     # CER of a text that the recording does not say
SURE = -0.6             # mean log-probability of Whisper's tokens
SPEECH = 0.5            # most probability that there is no speech


@cache
def _whisper() -> Whisper:
    torch.set_num_threads(1)
    return Whisper("base")


def hear(utterance: Utterance) -> Transcript:
    """What Whisper hears in a clip."""
    return _whisper().transcribe(load_samples(utterance), SAMPLE_RATE)


def judged(utterance: Utterance, heard: Transcript) -> tuple[Utterance, str]:
    """The clip with the text that it should have, and why."""
    sure = heard.log_probability > SURE and heard.no_speech < SPEECH and bool(words(heard.text))
    written = words(utterance.text or "")
    if written:
        said, found = comparable(written, words(heard.text))
        if character_errors(said, found).rate <= CONTRADICTED:
            return utterance, "text confirmed"
    why = "text contradicted" if written else "no text"
    if not sure:
        return with_text(utterance, None), f"{why}, unclear: without text"
    return with_text(utterance, heard.text.strip()), f"{why}: heard instead"


def with_text(utterance: Utterance, text: str | None) -> Utterance:
    """The clip with another text, not timed."""
    phones = None if text is None else phonemize(text, utterance.language)
    return dataclasses.replace(utterance, text=text, phones=phones, durations=None, score=None)


def hear_all(folder: Path, utterances: Iterable[Utterance], workers: int) -> dict[str, Transcript]:
    """By id, what is heard in every clip; goes on with heard.jsonl."""
    path = folder / HEARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = text[:text.rfind("\n") + 1]  # a kill may have cut the last line
    path.write_text(whole, encoding="utf-8")
    heard = {id_: Transcript(**row) for id_, row in map(json.loads, whole.splitlines())}
    left = [u for u in utterances if u.id not in heard]
    with path.open("a", encoding="utf-8") as file, pool(workers) as processes:
        found = tqdm(processes.map(hear, left), total=len(left), desc=str(folder), unit="clip")
        for utterance, transcript in zip(left, found, strict=True):
            heard[utterance.id] = transcript
            file.write(json.dumps([utterance.id, dataclasses.asdict(transcript)]) + "\n")
            file.flush()
    return heard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders written by `valle prepare`")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="default: the cores")
    options = parser.parse_args()
    for folder in options.folders:
        with locked(folder, "hearing"):
            utterances = list(read_manifest(folder / MANIFEST))
            heard = hear_all(folder, utterances, options.workers)
            results = [judged(u, heard[u.id]) for u in utterances]
            write_manifest(folder / MANIFEST, (u for u, _ in results))
        counts = Counter(why for _, why in results)
        print(f"{folder}: " + ", ".join(f"{n} {why}" for why, n in counts.most_common()))


if __name__ == "__main__":
    main()
