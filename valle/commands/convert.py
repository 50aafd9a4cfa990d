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

from valle.commands.say import (
    add_prompt_arguments,
    check_prompt_options,
    check_writable,
    option_named,
    prompt_of,
    transcript_of,
)
from valle.commands.source_options import add_source_arguments, check_kept, text_of
from valle.commands.voice_options import (
    add_transcriber_argument,
    add_voice_arguments,
    add_voices_argument,
    add_watermark_argument,
    load_marked_voice,
)
from valle.features.progress import advance, progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source_arguments(parser)
    add_prompt_arguments(parser)
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

    check_prompt_options(options)
    text, transcript = text_of(options), transcript_of(options)
    check_writable(options.out)
    check_kept(options.out, options.recording, options.prompt_audio)
    given = as_samples(options.recording, MAX_SECONDS)
    tts, sampling = load_marked_voice(options)
    voice = prompt_of(transcript, tts, options)
    started = time.monotonic()
    frames = len(given) / SAMPLE_RATE * tts.model.codec.frame_rate
    with progress(total=round(2 * frames), desc="converting", unit="steps", brief=True,
                  silent=options.quiet) as bar, option_named("text"):
        audio = tts.convert((given, SAMPLE_RATE), prompt=voice, text=text,
                            language=options.language, seed=options.seed, sampling=sampling,
                            on_frame=partial(advance, bar))
    audio.save(options.out)
    if not options.quiet:
        if heard_by := audio.settings["text_by"]:
            print(f"{heard_by} hears in {options.recording}: {audio.settings['text'].strip()}",
                  file=sys.stderr)
        print(f"{options.out}: {audio.seconds:.1f} s in {time.monotonic() - started:.1f} s")
    return 0
