"""Read a book aloud: a text, Markdown, HTML or EPUB file, or subtitles.

  valle read book.epub --voice clara --out book.m4b
  valle read play.txt --voice clara --cast cast.txt --out play.mp3 --subtitles srt
  valle read film.srt --voice miles --out film.wav

M4B, MP3, Opus and FLAC get chapter marks, and title, author and cover of the book. Each sentence is
kept in book.m4b.parts/ as soon as it is spoken: after Ctrl-C, a kill or a crash the same command
goes on where it was, and the samples are those of an unbroken run. At the end book.json lists the
chapters and the sentences that may have gone wrong, each with its seconds.

A cast gives names their own voices, a line for each, as --voice takes them; in the text, a line
that begins with [Anna] is hers to its end, or to the end of its paragraph:

  Anna = clara
  Old man = voices/grandpa.safetensors
  Illustration = narrator

Each cue of an .srt file begins at its time, and is spoken faster where it would be too long, at
most twice as fast; what does not fit even so is said.
"""
from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codec.files import is_one_of
from g2p import Lexicon
from valle.commands.voice_options import (
    add_lexicon_argument,
    add_subtitles_argument,
    add_voice_arguments,
    add_voices_argument,
    load_voice,
)
from valle.reading.book import Book
from valle.reading.formats import SUFFIXES, read_book

if TYPE_CHECKING:
    from valle.reading.plan import Plan
    from valle.reading.run import Reading
    from valle.synthesis.options import SamplingOptions
    from valle.tts import VALLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("book", type=Path, help=f"what to read: {SUFFIXES}")
    parser.add_argument("-o", "--out", type=Path, required=True,
                        help="the file to write: .m4b, .mp3, .opus, .flac or .wav")
    parser.add_argument("--voice", required=True, metavar="NAME",
                        help="a voice of `valle voices`, or the file of one")
    parser.add_argument("--cast", type=Path, metavar="FILE",
                        help="whose voice the lines have that begin with [Name]")
    parser.add_argument("--title", help="default: the book's")
    parser.add_argument("--author", help="default: the book's")
    add_subtitles_argument(parser)
    parser.add_argument("--restart", action="store_true",
                        help="begin anew, whatever is there already")
    parser.add_argument("--language", default="en-us", help="of the book")
    add_lexicon_argument(parser)
    parser.add_argument("--seed", type=int, default=0,
                        help="another seed, another way of saying it")
    add_voices_argument(parser)
    add_voice_arguments(parser)
    parser.add_argument("--threads", type=int, default=1,
                        help="CPU threads, at most as many as there are cores")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")


def run(options: argparse.Namespace) -> int:
    from valle.reading.parts import Parts

    folder = options.out.with_name(f"{options.out.name}.parts")
    book, cast, lexicon = prepare(options, folder)
    import torch

    from valle.commands.say import check_timings
    from valle.data.lock import locked
    from valle.engine.threads import cores
    from valle.reading.run import finish, speak

    torch.set_num_threads(min(options.threads, cores()))
    tts, sampling = load_voice(options)
    check_timings(tts, options.subtitles)
    parts = Parts(folder, tts.model.codec.sample_rate)
    reading = ready(book, cast, lexicon, tts, sampling, options)
    try:
        with locked(folder, "reading"):
            parts.begin(reading.record(tts), options.restart)
            speak(reading, tts, parts, options.quiet)
            report = finish(reading, tts, parts, options.out, options.subtitles)
    except KeyboardInterrupt:
        print(f"valle read: stopped; the same command{' without --restart' * options.restart} goes "
              f"on after {parts.count()} of {len(reading.plan.segments)} sentences",
              file=sys.stderr)
        return 130
    parts.remove()
    if not options.quiet:
        tell(report, options.out)
    return 0


def prepare(options: argparse.Namespace, folder: Path,
            ) -> tuple[Book, dict[str, str], Lexicon | None]:
    """The book, its cast and the lexicon; everything that can be wrong without a model.

    Raises:
        FileNotFoundError, ImportError, ValueError: what is wrong, in one line.
    """
    from valle.commands.say import check_folder
    from valle.reading import mux, report
    from valle.reading.cast import check_cast, read_cast
    from valle.synthesis.subtitles import beside

    if options.threads < 1:
        raise ValueError(f"--threads {options.threads}: must be 1 or more")
    mux.kind_of(options.out)
    written = [options.out, options.out.with_suffix(".json"),
               *([beside(options.out, options.subtitles)] if options.subtitles else [])]
    book = read_book(options.book)
    if book.cover:
        try:
            mux.size_of(book.cover)
        except ValueError as error:
            warnings.warn(f"the cover of {options.book} is left out: {error}", stacklevel=1)
            book = replace(book, cover=b"")
    if is_one_of(options.book, written):
        raise ValueError(f"--out {options.out} would replace {options.book}: choose another name")
    if options.out.exists() and not options.out.is_file():
        raise ValueError(f"--out {options.out} is a folder or a device: give the name of a file")
    if options.out.exists() and not folder.exists() and not options.restart:
        raise ValueError(f"{options.out} is there already: --restart reads the book anew in its "
                         "place")
    report.check_place(written[1])
    check_folder(options.out)
    cast = read_cast(options.cast) if options.cast else {}
    if options.cast:
        check_cast(book, cast, options.cast)
    lexicon = Lexicon(options.lexicon) if options.lexicon else None
    return replace(book, title=options.title or book.title,
                   author=options.author or book.author), cast, lexicon


def ready(book: Book, cast: dict[str, str], lexicon: Lexicon | None, tts: VALLE,
          sampling: SamplingOptions, options: argparse.Namespace) -> Reading:
    """Who says what; ValueError where a voice or the language is unknown, or nothing is spoken."""
    from valle.reading.cast import NARRATOR
    from valle.reading.plan import passages_of, plan_of
    from valle.reading.run import Reading
    from valle.synthesis.recording import warn
    from valle.voices import Voices

    tts.model.ar.ids.language(options.language)
    shelf = Voices(options.voices, tts)
    voices = {name: shelf.find(voice or options.voice).prompt
              for name, voice in {NARRATOR: options.voice, **cast}.items()}
    plan = plan_of(passages_of(book, cast), lexicon, options.language, options.seed, sampling.pause)
    warn(wrong_with(book, plan, tts, options.language))
    return Reading(book, plan, voices, options.language, options.seed, sampling)


def wrong_with(book: Book, plan: Plan, tts: VALLE, language: str) -> list[str]:
    """What will not be spoken, or not well, a sentence each."""
    found = []
    unknown = tts.model.vocabulary.unknown(p for one in plan.segments for p in one.phones)
    if unknown:
        found.append(f"this model never learned the phones {' '.join(unknown)}; they will sound "
                     "wrong")
    if book.language and book.language.lower()[:2] != language.lower()[:2]:
        found.append(f"the book says that it is in {book.language}: is --language {language} "
                     "right?")
    for place, why in plan.skipped.items():
        found.append(f"{' '.join(plan.passages[place].text.split())[:60]!r} is left out: {why}")
    return found


def tell(report: Mapping[str, Any], out: Path) -> None:
    """What became of it, in a few lines."""
    seconds, record = round(report["seconds"]), out.with_suffix(".json")
    print(f"{out}: {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} of speech in "
          f"{len(report['chapters'])} chapters")
    for line in report["late"]:
        print(f"warning: {line}", file=sys.stderr)
    if doubts := report["doubts"]:
        print(f"{len(doubts)} sentences are in doubt, the first at {doubts[0]['start']:.0f} s "
              f"({doubts[0]['why']}): {record} lists them", file=sys.stderr)
