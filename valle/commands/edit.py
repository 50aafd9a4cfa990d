"""Change words of a recording: the new ones are spoken in its voice, in their place.

  valle edit talk.wav --text "We meet on Monday." --to "We meet on Friday." --out edited.wav

Only the words that differ are spoken; every other sample stays as it is, at the recording's own
rate and in its own channels. Where --text is not given, Whisper writes it down if it is on this
machine, and it is shown. Another --seed says the new words in another way. Only change what
somebody said where they agree, and say that it was changed.
"""
from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle.commands.say import check_folder, option_named, read_text
from valle.commands.source_options import add_source_arguments, check_kept, text_of
from valle.commands.voice_options import (
    add_transcriber_argument,
    add_voice_arguments,
    add_watermark_argument,
    load_marked_voice,
)
from valle.features.progress import advance, progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSLESS = {".wav": "WAV", ".flac": "FLAC"}
KEPT_AS = {"PCM_U8": "int16", "PCM_S8": "int16", "PCM_16": "int16", "PCM_24": "int32",
           "PCM_32": "int32", "FLOAT": "float32", "DOUBLE": "float64"}
PHONES_PER_WORD = 6  # for the progress bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--to", help="what it is to say, the whole of it")
    to.add_argument("--to-file", type=Path, help="a UTF-8 text file with it")
    parser.add_argument("--out", type=Path, required=True,
                        help="the file to write, .wav or .flac: others would change every sample")
    parser.add_argument("--json", action="store_true",
                        help="print what was changed and when as one JSON line")
    add_transcriber_argument(parser)
    add_watermark_argument(parser)
    add_voice_arguments(parser)


@dataclass(frozen=True)
class Original:
    """A recording as it is stored: samples [N, C], rate, and libsndfile's name of their type."""

    samples: NDArray[Any]
    rate: int
    subtype: str


def read(path: Path) -> Original:
    """ValueError when it is no recording that libsndfile reads."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            samples = file.read(dtype=KEPT_AS.get(file.subtype, "float32"), always_2d=True)
            return Original(samples, file.samplerate, file.subtype)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} cannot be read as audio: give a WAV, FLAC, OGG, Opus or MP3 "
                         "file") from error


def write(path: Path, original: Original, samples: NDArray[Any]) -> None:
    """Samples [N, C] as the original has them, or in 24 bits where the format has no such type."""
    import soundfile

    from codec.files import atomic_path
    from valle.synthesis.finish import tags

    kind = LOSSLESS[path.suffix.lower()]
    subtype = (original.subtype if original.subtype in KEPT_AS
               and soundfile.check_format(kind, original.subtype) else "PCM_24")
    with atomic_path(path) as temporary, soundfile.SoundFile(
            temporary, "w", original.rate, samples.shape[1], subtype, format=kind) as file:
        for name, text in tags("edited").items():
            setattr(file, name, text)
        file.write(samples)


def run(options: argparse.Namespace) -> int:
    from codec.audio import SAMPLE_RATE
    from valle.recognizer.transcriber import Transcriber
    from valle.synthesis.aligned import MAX_SECONDS
    from valle.synthesis.recording import as_samples

    if options.out.suffix.lower() not in LOSSLESS:
        raise ValueError(f"--out {options.out}: give it a name that ends in .wav or .flac; other "
                         "formats would change every sample")
    text, to = text_of(options), read_text(options.to_file) if options.to_file else options.to
    if not to.strip():
        raise ValueError("--to holds no words: give all that the recording is to say")
    check_folder(options.out)
    check_kept(options.out, options.recording)
    given = as_samples(options.recording, MAX_SECONDS), SAMPLE_RATE
    original = read(options.recording)
    tts, sampling = load_marked_voice(options)
    tts.transcriber = Transcriber(options.transcriber)
    silent = options.quiet or options.json
    with progress(total=PHONES_PER_WORD * len(to.split()), desc="editing", unit="steps",
                  brief=True, silent=silent) as bar, option_named("text"):
        edited = tts.edit(given, to, text=text, language=options.language,
                          seed=options.seed, sampling=sampling, on_frame=partial(advance, bar))
    write(options.out, original, edited.applied_to(original.samples, original.rate))
    if options.json:
        print(json.dumps({"out": str(options.out), "text": edited.text, "changed": [
            {"start": round(one.start, 3), "end": round(one.end, 3), "old": one.old,
             "new": one.new} for one in edited.patches]}))
    elif not options.quiet:
        if edited.heard_by:
            print(f"{edited.heard_by} hears in {options.recording}: {edited.text.strip()}",
                  file=sys.stderr)
        for one in edited.patches:
            print(f"{one.start:.2f} to {one.end:.2f} s: {one.old or '(nothing)'} -> "
                  f"{one.new or '(nothing)'}")
    if any(one.finish != "eos" for one in edited.patches):
        print("warning: the model did not end by itself; try another --seed", file=sys.stderr)
    return 0
