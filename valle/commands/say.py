"""Speak a text in the voice of a prompt.

  infer.py --text "Good morning." --prompt-audio p.wav --prompt-text "what p.wav says" --out o.wav
  infer.py --text "Good morning." --prompt-audio p.wav --out o.wav
  infer.py --text "Good morning." --voice clara --play
  echo "Good morning." | infer.py --text - --prompt-audio p.wav --prompt-text-file p.txt --out o.wav

The prompt is one to eight seconds of clean speech; about three are enough. Where its words are not
given, Whisper writes them down if it is on this machine, and they are shown: correct them with
--prompt-text. `valle voices add` keeps a prompt under a name for --voice. Only clone voices whose
owners agree. Beside o.wav, o.json holds everything needed to make the same samples again:

  infer.py --replay o.json --out again.wav
"""
from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from codec.files import is_one_of
from g2p import Lexicon
from valle.commands.replay import differences, replay
from valle.commands.voice_options import (
    add_lexicon_argument,
    add_subtitles_argument,
    add_transcriber_argument,
    add_voice_arguments,
    add_voices_argument,
    add_watermark_argument,
    load_marked_voice,
)
from valle.features.player import find_player, playing
from valle.features.progress import advance, progress
from valle.synthesis.subtitles import beside, write_subtitles

if TYPE_CHECKING:
    from valle.synthesis.join import SpokenSegment
    from valle.synthesis.result import Audio
    from valle.synthesis.voice import Prompt
    from valle.tts import VALLE


SECONDS_PER_PHONE = 0.073  # of most speech, for the progress bar


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what to say; - reads it from standard input")
    text.add_argument("--text-file", type=Path, help="a UTF-8 text file with what to say")
    add_prompt_arguments(parser)
    parser.add_argument("--replay", type=Path, metavar="JSON",
                        help="make the speech beside this file again; it stands for the options "
                             "above and below, --prompt-audio may say where the recording is now")
    parser.add_argument("--play", action="store_true",
                        help="in place of --out: hear it while it is made")
    parser.add_argument("--out", type=Path,
                        help="the file to write: .wav, .flac, .ogg, .opus or .mp3; - writes a WAV "
                             "stream to standard output while it is made, as for `| aplay`")
    add_subtitles_argument(parser)
    parser.add_argument("--language", default="en-us", help="of the text")
    add_lexicon_argument(parser)
    parser.add_argument("--seed", type=int, default=0,
                        help="another seed, another way of saying it")
    add_transcriber_argument(parser)
    add_watermark_argument(parser)
    add_voices_argument(parser)
    add_voice_arguments(parser)
    parser.add_argument("--continuation", action="store_true",
                        help="the text goes on where the prompt stops, and the prompt is kept")
    parser.add_argument("--threads", type=int, default=1,
                        help="CPU threads, at most as many as there are cores; two are 1.6 times "
                             "as fast on an idle machine, and 20 times as slow beside another "
                             "busy program")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")


def add_prompt_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose voice: also of the commands that speak in a voice for something else than a text."""
    parser.add_argument("--prompt-audio", type=Path, help="a recording of the voice")
    parser.add_argument("--voice", metavar="NAME",
                        help="in place of a recording: a voice of `valle voices`, or the file of "
                             "one")
    transcript = parser.add_mutually_exclusive_group()
    transcript.add_argument("--prompt-text", help="the words spoken in the recording; "
                            "default: what --transcriber hears")
    transcript.add_argument("--prompt-text-file", type=Path, help="a text file with them")


def read_text(file: Path) -> str:
    """A UTF-8 text file, or standard input for -; ValueError when it is something else."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}; check the path") from error


def transcript_of(options: argparse.Namespace) -> str | None:
    """The words of the prompt, where they are given."""
    text: str | None = options.prompt_text
    return read_text(options.prompt_text_file) if options.prompt_text_file else text


def check_options(options: argparse.Namespace) -> None:
    """ValueError when an option is missing or what is written would replace what is read."""
    if options.text is None and not options.text_file:
        raise ValueError("give --text or --text-file")
    check_prompt_options(options)
    if not options.out and not options.play:
        raise ValueError("give --out or --play")
    if options.play and (options.out or options.json or options.replay):
        raise ValueError("--play writes no file and no record: leave out --out, --json and "
                         "--replay")
    if options.subtitles and (options.play or str(options.out) == "-"):
        raise ValueError("--subtitles stand beside a file: give it a name with --out")
    if options.play:
        find_player()
    if str(options.out) == "-" and (options.json or options.replay):
        raise ValueError("--out - writes sound to standard output and no record: leave out --json "
                         "and --replay, or name a file")
    if options.threads < 1:
        raise ValueError(f"--threads {options.threads}: must be 1 or more")
    written = [options.out, options.out.with_suffix(".json")] if options.out else []
    written += [beside(options.out, options.subtitles)] if options.subtitles else []
    for name in ("text_file", "prompt_audio", "prompt_text_file"):
        read = getattr(options, name)
        if read is not None and is_one_of(read, written):
            raise ValueError(f"--out {options.out} would replace {read}, which "
                             f"--{name.replace('_', '-')} reads; choose another name")


def check_prompt_options(options: argparse.Namespace) -> None:
    """ValueError when there is no voice, or two."""
    if not options.prompt_audio and not options.voice:
        raise ValueError("give --voice or --prompt-audio")
    for name in ("prompt_audio", "prompt_text", "prompt_text_file") if options.voice else ():
        if getattr(options, name) is not None:
            raise ValueError(f"--voice has its own recording and words: leave out "
                             f"--{name.replace('_', '-')}")


def check_writable(out: Path) -> None:
    """Find out before the work, not after it, that the result cannot be written; leaves nothing.

    Raises:
        ValueError: a format that is not written, or a place without access or of something else.
    """
    from valle.synthesis.result import check_place

    if out.exists() and not out.is_file():
        raise ValueError(f"--out {out} is a folder or a device: give the name of a file")
    check_place(out)
    check_folder(out)


def check_folder(out: Path) -> None:
    """ValueError where no file can be made at a place; leaves nothing."""
    folder = next(p for p in out.absolute().parents if p.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"cannot write into {folder}: {error.strerror}; choose another "
                         "--out") from error


def check_speakable(text: str, transcript: str | None, options: argparse.Namespace) -> int:
    """Everything about texts and prompt that can be wrong without a model; phones of the text."""
    from g2p import phonemize
    from valle.recognizer.transcriber import Transcriber
    from valle.synthesis.recording import as_samples, condition
    from valle.synthesis.voice import REFUSED_PROMPT_SECONDS

    if transcript is not None and not transcript.strip():
        raise ValueError("--prompt-text holds no words: give those spoken in --prompt-audio, or "
                         "leave it out to have them written down")
    phones = len(phonemize(text, options.language))
    if options.voice:
        return phones
    if transcript is None:
        with option_named():
            Transcriber(options.transcriber).check(options.language)
    else:
        phonemize(transcript, options.language)
    condition(as_samples(options.prompt_audio, REFUSED_PROMPT_SECONDS))
    return phones


@contextmanager
def option_named(argument: str = "prompt_text") -> Iterator[None]:
    """An error about unknown words says which option gives them."""
    from valle.recognizer.transcriber import Untranscribed

    try:
        yield
    except Untranscribed as error:
        option = f"(--{argument.replace('_', '-')})"
        raise ValueError(str(error).replace(f"({argument})", option)) from error


def prompt_of(transcript: str | None, tts: VALLE, options: argparse.Namespace) -> Prompt:
    """The voice to speak in; what was heard in it is shown where its words were not given."""
    from valle.recognizer.transcriber import Transcriber
    from valle.voices import Voices

    if options.voice:
        return Voices(options.voices, tts).find(options.voice).prompt
    tts.transcriber = Transcriber(options.transcriber)
    with option_named():
        voice = tts.encode_prompt(options.prompt_audio, transcript, options.language)
    if voice.heard_by and not options.quiet:
        print(f"{voice.heard_by} hears in {options.prompt_audio}: {voice.text}", file=sys.stderr)
    return voice


def run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    before = replay(options.replay, options) if options.replay else None
    check_options(options)
    text = (read_text(options.text_file) if options.text_file
            else read_text(Path("-")) if options.text == "-" else options.text)
    transcript = transcript_of(options)
    lexicon = Lexicon(options.lexicon) if options.lexicon else None
    if options.out and str(options.out) != "-":
        check_writable(options.out)
    phones = check_speakable(text, transcript, options)
    import torch

    from valle.engine.threads import cores
    from valle.synthesis.words import timed_words

    torch.set_num_threads(min(options.threads, cores()))
    tts, sampling = load_marked_voice(options)
    tts.lexicon = lexicon
    check_timings(tts, options.subtitles)
    loaded = time.monotonic()
    voice = prompt_of(transcript, tts, options)
    if options.play or str(options.out) == "-":
        spoken = tts.stream(text, prompt=voice, language=options.language, seed=options.seed,
                            sampling=sampling, continuation=options.continuation, quick=True)
        with playing() if options.play else nullcontext(sys.stdout.buffer) as out:
            write_stream(spoken, tts, out)
        return 0
    frames = SECONDS_PER_PHONE * tts.model.codec.frame_rate
    with progress(total=round(phones * (1 + 2 * frames)), desc="speaking", unit="steps", brief=True,
                  silent=options.quiet or options.json) as bar:
        audio = tts.speak(text, prompt=voice, language=options.language, seed=options.seed,
                          sampling=sampling, continuation=options.continuation,
                          on_frame=partial(advance, bar))
    audio.save(options.out)
    if options.subtitles:
        write_subtitles(beside(options.out, options.subtitles), options.subtitles,
                        timed_words(text, audio.phones, options.language), audio.seconds)
    done = time.monotonic()
    rtf = (done - loaded) / audio.seconds
    if options.json:
        print(json.dumps({"out": str(options.out), "seconds": round(audio.seconds, 3),
                          "finish": audio.finish, "rtf": round(rtf, 3),
                          "elapsed": round(done - started, 3), "seed": options.seed,
                          "scores": [asdict(score) for score in audio.scores],
                          "warnings": audio.warnings}))
    elif not options.quiet:
        print(f"{options.out}: {audio.seconds:.1f} s of speech in {done - started:.1f} s "
              f"(loading {loaded - started:.1f} s, RTF {rtf:.2f})")
    if audio.finish != "eos":
        print("warning: the model did not end by itself; try another --seed", file=sys.stderr)
    return 0 if before is None else compare(before, audio, options)


def check_timings(tts: VALLE, subtitles: str | None) -> None:
    """ValueError where timings are wanted of a model that has none."""
    if subtitles and tts.model.ar.config.layout != "interleaved":
        raise ValueError("this model has the plain layout and does not know when it says a word: "
                         "leave out --subtitles")


def write_stream(spoken: Iterable[SpokenSegment], tts: VALLE, pipe: IO[bytes]) -> None:
    """Write segments as a WAV stream, each as soon as it is there."""
    from codec.encode import encoder
    from valle.synthesis.finish import tags

    out = encoder("wav", tts.model.codec.sample_rate, tags(tts.name))
    for one in spoken:
        pipe.write(out.encode(one.samples))
        pipe.flush()


def compare(before: dict[str, str], audio: Audio, options: argparse.Namespace) -> int:
    """Say whether a replay gave the same samples; the exit code."""
    if audio.sha256 == before["sha256"]:
        if not options.quiet:
            print(f"the same samples as those of {options.replay}", file=sys.stderr)
        return 0
    why = "; ".join(differences(before, audio.settings)) or "perhaps it was another machine"
    print(f"these are not the samples of {options.replay}: {why}", file=sys.stderr)
    return 1
