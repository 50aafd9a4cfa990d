"""Say what a recording says, when it says it, in another voice.

  valle convert talk.wav --voice clara --out converted.wav
  valle convert talk.wav --text "what talk.wav says" --prompt-audio p.wav --out converted.wav

Words and timing are the recording's, each phone as long as there; voice and melody are the
prompt's. Where words are not given, Whisper writes them down if it is on this machine, and they are
shown: correct them with --text and --prompt-text. Only clone voices whose owners agree. Beside
converted.wav, converted.json says when each phone is said.
"""
from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from valle.commands.say import check_writable, option_named, prompt_of, read_text
from valle.commands.source_options import add_source_arguments, check_kept, text_of
from valle.commands.voice_options import (
    add_transcriber_argument,
    add_voice_arguments,
    add_voices_argument,
    add_watermark_argument,
    load_voice,
    watermark_of,
)
from valle.features.progress import advance, progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    voice = parser.add_mutually_exclusive_group(required=True)
    voice.add_argument("--voice", metavar="NAME",
                       help="a voice of `valle voices`, or the file of one")
    voice.add_argument("--prompt-audio", type=Path, help="a recording of the voice")
    transcript = parser.add_mutually_exclusive_group()
    transcript.add_argument("--prompt-text", help="the words spoken in it; default: what "
                                                  "--transcriber hears")
    transcript.add_argument("--prompt-text-file", type=Path, help="a text file with them")
    parser.add_argument("--out", type=Path, required=True,
                        help="the file to write: .wav, .flac, .ogg, .opus or .mp3")
    add_transcriber_argument(parser)
    add_watermark_argument(parser)
    add_voices_argument(parser)
    add_voice_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from codec.audio import SAMPLE_RATE
    from valle.synthesis.aligned import MAX_SECONDS
    from valle.synthesis.recording import as_samples

    text = text_of(options)
    transcript = (read_text(options.prompt_text_file) if options.prompt_text_file
                  else options.prompt_text)
    check_writable(options.out)
    check_kept(options.out, options.recording, options.prompt_audio)
    seconds = len(as_samples(options.recording, MAX_SECONDS)) / SAMPLE_RATE
    watermark = watermark_of(options)
    tts, sampling = load_voice(options)
    tts.watermark = watermark
    voice = prompt_of(transcript, tts, options)
    started = time.monotonic()
    with progress(total=round(2 * seconds * tts.model.codec.frame_rate), desc="converting",
                  unit="steps", brief=True, silent=options.quiet) as bar, option_named("text"):
        audio = tts.convert(options.recording, prompt=voice, text=text, language=options.language,
                            seed=options.seed, sampling=sampling, on_frame=partial(advance, bar))
    audio.save(options.out)
    if not options.quiet:
        if heard_by := audio.settings["text_by"]:
            print(f"{heard_by} hears in {options.recording}: {audio.settings['text'].strip()}",
                  file=sys.stderr)
        print(f"{options.out}: {audio.seconds:.1f} s in {time.monotonic() - started:.1f} s")
    return 0
