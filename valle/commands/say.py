"""Speak a text in the voice of a prompt.

  infer.py --text "Good morning." --prompt-audio p.wav --prompt-text "what p.wav says" --out o.wav
  echo "Good morning." | infer.py --text - --prompt-audio p.wav --prompt-text-file p.txt --out o.wav

The prompt is one to eight seconds of clean speech; about three are enough. Only clone voices whose
owners agree. Beside o.wav, o.json holds everything needed to make the same samples again.
"""
from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from valle.commands.voice_options import add_voice_arguments, load_voice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="what to say; - reads it from standard input")
    text.add_argument("--text-file", type=Path, help="a UTF-8 text file with what to say")
    parser.add_argument("--prompt-audio", required=True, type=Path, help="a recording of the voice")
    transcript = parser.add_mutually_exclusive_group(required=True)
    transcript.add_argument("--prompt-text", help="the words spoken in the recording")
    transcript.add_argument("--prompt-text-file", type=Path, help="a text file with them")
    parser.add_argument("--out", required=True, type=Path, help="the WAV file to write")
    parser.add_argument("--language", default="en-us", help="of the text; default en-us")
    parser.add_argument("--seed", type=int, default=0,
                        help="another seed, another way of saying it")
    add_voice_arguments(parser)
    parser.add_argument("--continuation", action="store_true",
                        help="the text goes on where the prompt stops, and the prompt is kept")
    parser.add_argument("--threads", type=int, default=1,
                        help="CPU threads; default 1: two are 1.6 times as fast on an idle "
                             "machine, and 20 times as slow beside another busy program")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")


def read_text(file: Path) -> str:
    """A UTF-8 text file, or standard input for -; ValueError when it is something else."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}; check the path") from error


def check_writable(out: Path, prompt: Path) -> None:
    """Find out before the work, not after it, that the result cannot be written; leaves nothing.

    Raises:
        ValueError: not the name of a WAV file, the prompt itself, or in a place without access.
    """
    if out.suffix.lower() != ".wav" or (out.exists() and not out.is_file()):
        raise ValueError(f"--out {out}: give the name of a WAV file, such as speech.wav")
    if out.exists() and prompt.exists() and out.samefile(prompt):
        raise ValueError(f"--out {out} is the prompt itself; choose another name")
    folder = next(p for p in out.absolute().parents if p.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ValueError(f"cannot write into {folder}: {error.strerror}; choose another "
                         "--out") from error


def run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    text = (read_text(options.text_file) if options.text_file
            else read_text(Path("-")) if options.text == "-" else options.text)
    transcript = (read_text(options.prompt_text_file) if options.prompt_text_file
                  else options.prompt_text)
    check_writable(options.out, options.prompt_audio)
    import torch
    from tqdm import tqdm

    torch.set_num_threads(max(1, options.threads))
    tts, sampling = load_voice(options)
    loaded = time.monotonic()
    silent = options.quiet or options.json or not sys.stderr.isatty()
    with tqdm(unit="token", desc="speaking", disable=silent, leave=False) as bar:
        audio = tts.speak(text, prompt=options.prompt_audio, prompt_text=transcript,
                          language=options.language, seed=options.seed, sampling=sampling,
                          continuation=options.continuation, on_frame=bar.update)
    audio.save(options.out)
    done = time.monotonic()
    rtf = (done - loaded) / audio.seconds
    if options.json:
        print(json.dumps({"out": str(options.out), "seconds": round(audio.seconds, 3),
                          "finish": audio.finish, "rtf": round(rtf, 3),
                          "elapsed": round(done - started, 3), "seed": options.seed,
                          "scores": [asdict(score) for score in audio.scores]}))
    elif not options.quiet:
        print(f"{options.out}: {audio.seconds:.1f} s of speech in {done - started:.1f} s "
              f"(loading {loaded - started:.1f} s, RTF {rtf:.2f})")
    if audio.finish != "eos":
        print("warning: the model did not end by itself; try another --seed", file=sys.stderr)
    return 0
