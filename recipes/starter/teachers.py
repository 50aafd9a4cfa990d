#!/usr/bin/env python3
"""Synthetic teachers: many sentences by many speakers, with exact phone timings.

  python recipes/starter/teachers.py ../shared/corpus data --clips 10000

Speakers are the four flite voices under shifts of formants and pitch (Praat's "Change gender").
OUT/teachers gets the training speakers, OUT/teachers-heldout speakers with shifts in between, on
sentences that no training speaker says. Both have a texts.txt with all such sentences. OUT/drills
has what novels lack (drills.py), by the training speakers. Each clip is
SPEAKER/NAME.flac with NAME.txt and NAME.phones, a plain folder as `valle prepare` reads it.
Needs `apt-get install flite` and `pip install praat-parselmouth`. Goes on where it was stopped.
"""
from __future__ import annotations

import argparse
import csv
import hashlib
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from drills import drills
from timings import lay_over, parse_segments, write_phones
from tqdm import tqdm

from codec.files import atomic_path
from g2p import phonemize
from valle.data.workers import pool

FORMANTS = {"slt": (.84, .92, 1., 1.08), "rms": (.9, 1., 1.1, 1.18),
            "awb": (.88, .96, 1.06, 1.16), "kal16": (.9, 1., 1.08, 1.16)}
PITCHES = {"slt": (120, 160, 195, 230), "rms": (85, 105, 135, 185),
           "awb": (95, 120, 150, 195), "kal16": (90, 115, 145, 190)}  # median, Hz
HELD_OUT = {"slt": ((.88, 140), (.96, 178), (1.04, 212), (.88, 178), (.96, 212), (1.04, 140)),
            "rms": ((.95, 95), (1.05, 120), (1.14, 160), (.95, 120), (1.05, 160), (1.14, 95)),
            "awb": ((.92, 108), (1.01, 135), (1.11, 172), (.92, 135), (1.01, 172), (1.11, 108)),
            "kal16": ((.95, 100), (1.04, 130))}
CLIPS_OF_HELD_OUT = 12
WORDS = (2, 28)       # of a sentence; longer ones are cut at clauses
SECONDS = (.4, 16.)   # of a clip
MOST_LOST = .15       # share of phones that the teacher may say otherwise than espeak


@dataclass(frozen=True)
class Clip:
    """One sentence by one speaker."""

    folder: Path
    voice: str
    formants: float
    pitch: int
    number: int
    text: str

    @property
    def path(self) -> Path:
        speaker = f"{self.voice}_f{round(self.formants * 100)}_p{self.pitch}"
        return self.folder / speaker / f"{self.number:05d}.flac"


def sentences(corpus: Path) -> list[str]:
    """All different sentences of the corpora at hand, without digits, not too long."""
    table = (corpus / "LJSpeech-1.1" / "metadata.csv").read_text(encoding="utf-8")
    texts = [line.split("|")[2] for line in table.splitlines()]
    for file in sorted((corpus / "LibriSpeech" / "train-clean-5").rglob("*.trans.txt")):
        texts += [line.split(" ", 1)[1].strip().capitalize() + "."
                  for line in file.read_text(encoding="utf-8").splitlines()]
    with open(corpus / "CommonVoice" / "en" / "validated.tsv", encoding="utf-8") as file:
        texts += [row["sentence"]
                  for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    plain = (re.sub(r'["“”()\[\]]', "", text).replace("’", "'").strip() for text in texts)
    usable = (text for text in plain if re.search("[A-Za-z]", text) and not re.search(r"\d", text))
    return list(dict.fromkeys(piece for text in usable for piece in clauses(text)))


def clauses(text: str) -> Iterator[str]:
    """A sentence, or its runs of clauses when it has too many words."""
    least, most = WORDS
    run: list[str] = []
    for clause in re.split(r"(?<=[,;:.])\s+", text) if len(text.split()) > most else [text]:
        if run and len(" ".join([*run, clause]).split()) > most - 4:
            yield " ".join(run)
            run = []
        run.append(clause)
    if least <= len(" ".join(run).split()) <= most:
        yield " ".join(run)


def is_held_out(text: str) -> bool:
    return int(hashlib.sha1(text.encode()).hexdigest(), 16) % 30 == 0


def plan(corpus: Path, out: Path, count: int, n_drills: int) -> tuple[list[Clip], list[str]]:
    """(all clips, held-out sentences), always the same for the same corpora."""
    everything = sentences(corpus)
    train = [t for t in everything if not is_held_out(t)]
    held = [t for t in everything if is_held_out(t)]
    random.Random(0).shuffle(train)
    random.Random(1).shuffle(held)
    speakers = [(v, f, p) for v in FORMANTS for f in FORMANTS[v] for p in PITCHES[v]]
    unseen = [(v, f, p) for v in HELD_OUT for f, p in HELD_OUT[v]]
    draw = random.Random(2)
    clips = [Clip(out / "teachers-heldout", *unseen[i % len(unseen)], i, held[i])
             for i in range(min(len(held), CLIPS_OF_HELD_OUT * len(unseen)))]
    clips += [Clip(out / "teachers", *draw.choice(speakers), i, text)
              for i, text in enumerate(train[:count])]
    clips += [Clip(out / "drills", *draw.choice(speakers), i, text)
              for i, text in enumerate(drills(train, n_drills))]
    return clips, held


def speak(clip: Clip) -> bool:
    """Make one clip; False when it comes out too short, too long, or unlike its phones."""
    import parselmouth
    from parselmouth.praat import call

    if clip.path.is_file():
        return True
    random_of_clip = random.Random(clip.number)
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        printed = subprocess.run(
            ["flite", "-voice", clip.voice, "-psdur", "-t", clip.text, wav.name, "--setf",
             f"duration_stretch={random_of_clip.uniform(.85, 1.12):.3f}"],
            capture_output=True, text=True, check=True).stdout
        samples, rate = soundfile.read(wav.name)
    seconds = len(samples) / rate
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        return False
    phones = phonemize(clip.text)
    segments = [(phone, min(end, seconds)) for phone, end in parse_segments(printed)]
    ends, lost = lay_over(segments, phones)
    if lost > MOST_LOST:
        return False
    sound = call(parselmouth.Sound(samples, rate), "Change gender", 60, 450, clip.formants,
                 clip.pitch, random_of_clip.uniform(.9, 1.3), 1.0)
    shifted = sound.values[0][: len(samples)]
    clip.path.parent.mkdir(parents=True, exist_ok=True)
    clip.path.with_suffix(".txt").write_text(clip.text + "\n", encoding="utf-8")
    write_phones(clip.path.with_suffix(".phones"), phones, ends)
    with atomic_path(clip.path) as temporary:  # last: a clip is there when its audio is
        soundfile.write(temporary, .5 * shifted / max(1e-3, np.abs(shifted).max()), rate,
                        format="FLAC", subtype="PCM_16")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="folder with LibriSpeech, LJSpeech, CommonVoice")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--drills", type=int, default=4_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if shutil.which("flite") is None:
        parser.exit(1, "flite is missing: apt-get install flite\n")
    clips, held = plan(options.corpus, options.out, options.clips, options.drills)
    said = [clip.text for clip in clips if clip.folder.name == "teachers"]
    for name, texts in (("teachers", said), ("teachers-heldout", held)):
        (options.out / name).mkdir(parents=True, exist_ok=True)
        (options.out / name / "texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    with pool(options.workers) as processes:
        made = sum(tqdm(processes.map(speak, clips, chunksize=8), total=len(clips), unit="clip"))
    print(f"{made} of {len(clips)} clips in {options.out}; the others were too short, too long or "
          "unlike their phones")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
