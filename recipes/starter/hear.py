"""Texts for recordings that have none: what PocketSphinx hears, where our aligner agrees.

    python recipes/starter/hear.py MODEL FOLDER [FOLDER ...]

The folders were written by `valle prepare`, MODEL holds an aligner (weights/starter). Most speakers
of LibriSpeech are here with one recording without text, and a voice needs many speakers: nearly
right phones, timed by listen.py afterwards, teach it more of voices than they spoil of words.
"""
from __future__ import annotations

import argparse
import dataclasses
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tqdm import tqdm

from codec.audio import SAMPLE_RATE
from g2p import phonemize
from valle.data.manifest import MANIFEST, Utterance, load_samples, read_manifest, write_manifest
from valle.model.aligner import Aligner
from valle.recognizer.sphinx import PocketSphinx

LEAST_SCORE = -2.0  # of the aligner: right texts of LibriSpeech have -1.4, wrong ones -3.3

HEARERS: dict[Path, tuple[PocketSphinx, Aligner]] = {}  # one for each process


def hear(job: tuple[Utterance, Path]) -> Utterance:
    """The utterance with text and phones, or as it was where they would hardly be right."""
    utterance, model = job
    if model not in HEARERS:
        HEARERS[model] = PocketSphinx(), Aligner.load(model)
    listener, aligner = HEARERS[model]
    samples = load_samples(utterance)
    text = " ".join(listener(samples, SAMPLE_RATE))
    try:
        phones = phonemize(text, utterance.language)
        score = aligner.score(samples, phones, aligner.durations(samples, phones))
    except ValueError:  # nothing heard, or more than there is room for
        return utterance
    if score < LEAST_SCORE:
        return utterance
    return dataclasses.replace(utterance, text=text, phones=phones)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder with an aligner")
    parser.add_argument("folders", nargs="+", type=Path, help="folders written by `valle prepare`")
    options = parser.parse_args()
    for folder in options.folders:
        utterances = list(read_manifest(folder / MANIFEST))
        silent = [u for u in utterances if not u.phones]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            heard = list(tqdm(pool.map(hear, [(u, options.model) for u in silent], chunksize=4),
                              total=len(silent), desc=str(folder), unit="clip"))
        texts = {u.id: u for u in heard}
        write_manifest(folder / MANIFEST, (texts.get(u.id, u) for u in utterances))
        print(f"{folder}: {sum(bool(u.phones) for u in heard)} of {len(silent)} clips without "
              "text were understood")


if __name__ == "__main__":
    main()
