"""Keep voices under names, for `valle say --voice NAME`, `valle serve` and Python (valle.Voice).

  valle voices list
  valle voices add NAME p.wav --text "what p.wav says" --consent "I am the speaker and agree."
  valle voices show NAME
  valle voices play NAME --out heard.wav
  valle voices export NAME file.safetensors
  valle voices import file.safetensors
  valle voices rm NAME

A voice is one safe file with the codes of its recording, the words said in it, its owner's consent
in words, and how good the recording is (`valle doctor`). Without --text, Whisper writes the words
down if it is on this machine; they are shown, and kept with the voice. Of a long recording the best
three to eight seconds are taken. Several recordings of one person become one voice of at most eight
seconds. Five synthetic voices come with valle.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from valle.commands.voice_options import add_transcriber_argument, add_voices_argument

if TYPE_CHECKING:
    from valle.synthesis.voice_file import Voice
    from valle.tts import VALLE


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one of the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    each = {name: actions.add_parser(name, description=told, help=told) for name, told in (
        ("list", "all voices, a line each"), ("add", "keep a new voice"),
        ("show", "what is known of a voice"), ("play", "hear its recording as the codec keeps it"),
        ("rm", "delete a kept voice"), ("export", "copy a kept voice into a file"),
        ("import", "keep the voice of a file"))}
    for name, action in each.items():
        add_voices_argument(action)
        if name not in ("list", "import"):
            action.add_argument("name", help="of the voice: letters a to z, digits, - and _")
    add = each["add"]
    add.add_argument("recordings", type=Path, nargs="+", metavar="recording",
                     help="one to eight seconds of one person, or up to 120 to choose from; "
                          "several are joined")
    add.add_argument("--text", action="append", metavar="WORDS",
                     help="what is said, once for each recording; default: what --transcriber "
                          "hears")
    add.add_argument("--consent", required=True, metavar="WORDS",
                     help="who agreed to what, kept in the file: \"I am the speaker and agree.\"")
    add.add_argument("--language", default="en-us", help="of the recording")
    add_transcriber_argument(add)
    for name in ("add", "play"):
        each[name].add_argument("--model", default="starter", help="starter, or a model folder")
    each["play"].add_argument("--out", type=Path, help="write it there; default: play it")
    each["rm"].add_argument("--yes", action="store_true", help="do not ask")
    each["export"].add_argument("file", type=Path, help="to write; must not exist")
    each["import"].add_argument("file", type=Path, help="of `valle voices export`")
    each["import"].add_argument("--name", help="default: the voice's own")
    return parser.parse_args(list(arguments))


def run(options: argparse.Namespace) -> int:
    actions = {"list": show_all, "add": add, "show": show, "play": play, "rm": remove,
               "export": export, "import": bring}
    actions[options.action](options)
    return 0


def show_all(options: argparse.Namespace) -> None:
    from valle.voices import Shelf, VoiceError

    shelf = Shelf(options.voices)
    for name in shelf.names():
        if not shelf.kept(name):
            print(f"{name:16}comes with valle: {words_of(shelf.ready[name])}")
            continue
        try:
            voice = shelf.load(name)
            print(f"{name:16}kept {voice.created[:10]}: {voice.prompt.text}")
        except VoiceError as error:
            print(f"{name:16}{error}")


def add(options: argparse.Namespace) -> None:
    from valle.commands.say import option_named
    from valle.recognizer.transcriber import Transcriber
    from valle.voices import Voices

    if options.text and len(options.text) != len(options.recordings):
        raise ValueError(f"{len(options.text)} times --text for {len(options.recordings)} "
                         "recordings: give it once for each, or never")
    voices = Voices(options.voices, load(options.model))
    voices.tts.transcriber = Transcriber(options.transcriber)
    with option_named():
        voice = voices.make(options.name, options.recordings,
                            options.text or [None] * len(options.recordings), options.consent,
                            options.language)
    if voice.prompt.heard_by:
        print(f"{voice.prompt.heard_by} hears: {voice.prompt.text}", file=sys.stderr)
    for fault in dict.fromkeys(fault for q in voice.quality for fault in q.faults):
        print(f"warning: {fault}", file=sys.stderr)
    print(f"kept as {voice.name}: valle say --voice {voice.name} --text ... --out ...")


def show(options: argparse.Namespace) -> None:
    from valle.voices import Shelf

    shelf = Shelf(options.voices)
    if options.name in shelf.ready and not shelf.kept(options.name):
        path = shelf.ready[options.name]
        print(f"{options.name}: a synthetic voice that comes with valle\n"
              f"  words       {words_of(path)}\n  file        {path}")
        return
    print(described(shelf.load(options.name), shelf.path(options.name)))


def described(voice: Voice, path: Path) -> str:
    """All that is known of a kept voice, a line each."""
    prompt = voice.prompt
    by = f" (heard by {prompt.heard_by})" if prompt.heard_by else ""
    lines = {"words": prompt.text + by, "language": voice.language, "consent": voice.consent,
             "created": voice.created, "frames": prompt.codes.shape[1], "codec": voice.codec,
             "recording": f"sha256 {prompt.sha256[:16]}", "file": path}
    if prompt.piece:
        lines["piece"] = (f"{prompt.piece.start:.1f} to {prompt.piece.end:.1f} s of the recording: "
                          f"{prompt.piece.text}")
    return "\n".join([voice.name, *(f"  {name:12}{value}" for name, value in lines.items()),
                      *(f"  {line}" for quality in voice.quality for line in quality.lines()),
                      *(f"  {'warning':12}{warning}" for warning in prompt.warnings)])


def play(options: argparse.Namespace) -> None:
    from codec.audio import save_audio, written_as
    from codec.encode import encoded
    from valle.features.player import find_player, playing
    from valle.synthesis.finish import tags
    from valle.voices import Voices

    if options.out:
        written_as(options.out)
    else:
        find_player()
    tts = load(options.model)
    codes = Voices(options.voices, tts).find(options.name).prompt.codes[None]
    samples = tts.model.codec.decode(codes, voice=codes)[0, 0].cpu().numpy()
    rate, about = tts.model.codec.sample_rate, tags(tts.name)
    if options.out:
        save_audio(options.out, samples, rate, about)
        print(options.out)
        return
    with playing() as pipe:
        pipe.write(encoded("wav", samples, rate, about))


def remove(options: argparse.Namespace) -> None:
    from valle.voices import Shelf

    shelf = Shelf(options.voices)
    if not options.yes and shelf.kept(options.name) and sys.stdin.isatty() and input(
            f"delete the voice {options.name}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise ValueError(f"{options.name} stays")
    shelf.remove(options.name)
    print(f"{options.name} is deleted")


def export(options: argparse.Namespace) -> None:
    from valle.synthesis.voice_file import SUFFIX
    from valle.voices import Shelf

    if options.file.suffix != SUFFIX:
        raise ValueError(f"{options.file}: the name must end in {SUFFIX}")
    if options.file.exists():
        raise ValueError(f"{options.file} exists: choose another name")
    Shelf(options.voices).load(options.name).save(options.file)
    print(options.file)


def bring(options: argparse.Namespace) -> None:
    from dataclasses import replace

    from valle.synthesis.voice_file import Voice
    from valle.voices import Shelf

    shelf, voice = Shelf(options.voices), Voice.load(options.file)
    voice = replace(voice, name=shelf.free(options.name or voice.name))
    shelf.keep(voice)
    print(f"kept as {voice.name}; its owner agreed so: {voice.consent}")


def words_of(recording: Path) -> str:
    return recording.with_suffix(".txt").read_text(encoding="utf-8").strip()


def load(model: str) -> VALLE:
    from valle.tts import VALLE

    return VALLE.from_pretrained(model)
