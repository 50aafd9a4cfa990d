"""`valle evaluate voice`: what a voice says, in whose voice, how clean."""
from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valle.commands.judge_options import add_judge_arguments
from valle.commands.voice_options import add_voice_arguments, load_voice
from valle.features.progress import progress

if TYPE_CHECKING:
    from codec.audio import Samples
    from valle.evaluate.protocols import Item, Protocol

HEARD = 60  # items with audio on the page; about 45 kB each
HELP = """Speak a protocol's items with a voice model, or take any system's audio, and score it.

  valle evaluate voice --protocol recipes/protocols/small.jsonl --data ../shared/corpus --out out/v
  valle evaluate voice --protocol librispeech_pc_test_clean_cross_sentence.lst \\
      --data LibriSpeech/test-clean --wavs other_system --name other --out out/other

Ground truth (recordings of the same texts) and its resynthesis by the model's codec are scored
beside it. Words are heard by Whisper base, which knows nothing of the texts.
--protocol: a file made by `valle evaluate protocol`, F5-TTS' or Seed-TTS' list (.lst).
--wavs: a folder of ID.wav, one for each item, instead of --model.

Below --out: report.md, report.html (tables, plots and audio in one file), rows.jsonl (a line per
item and version), wer.png, similarity.png, wav/, judged.jsonl. Goes on where it was stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--protocol", type=Path, required=True, help="what to speak")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER",
                        help="where the protocol's paths start")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--wavs", type=Path, help="score these instead of speaking")
    parser.add_argument("--name", default="synthesis",
                        help="of the system in the tables; default synthesis")
    add_judge_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the speech")
    add_voice_arguments(parser)
    parser.add_argument("--beside", type=Path, nargs="*", default=[], metavar="RESULTS",
                        help="results of other voices on this protocol: they join the tables and "
                             "the page, each by its folder's name")
    parser.add_argument("--no-recordings", action="store_true", help="score the voice alone")


def run(options: argparse.Namespace) -> int:
    from valle.data.batching import spread_out
    from valle.evaluate.panel import default_encoders, default_recognizers, make_panel
    from valle.evaluate.protocol_files import read_protocol
    from valle.evaluate.report import Report
    from valle.evaluate.results import beside, write_results
    from valle.evaluate.speaking import read_spoken
    from valle.evaluate.voice import Scorer, expected_rows

    protocol = read_protocol(options.protocol, options.data)
    if options.wavs and not options.wavs.is_dir():
        raise FileNotFoundError(f"no folder {options.wavs}: --wavs must hold ID.wav for each item")
    panel = make_panel(options.out, options.recognizer or default_recognizers(),
                       options.speaker or default_encoders(),
                       [*protocol.texts, *protocol.distractors])
    codec, books, wavs, problems, about = speak(options, protocol)
    on_page = {item.id: item for item in spread_out(protocol.items, HEARD)}
    sounds: dict[tuple[str, str], Samples] = {}

    def keep(item: Item, version: str, samples: Samples) -> None:
        if item.id in on_page:
            sounds[item.id, version] = samples

    recordings = not options.no_recordings
    total = expected_rows(protocol, codec is not None, recordings)
    with progress(total=total, unit="clips", desc="judging") as bar:
        scorer = Scorer(protocol, panel, codec, books, bar.update, keep)
        rows = scorer.recordings() if recordings else []
        for folder in options.beside:
            rows += beside(folder, protocol)
            for item in on_page.values():
                with suppress(FileNotFoundError):
                    sounds[item.id, folder.name] = read_spoken(folder / "wav", item)
        rows += scorer.spoken(options.name, wavs, problems)
    for name, _ in list(sounds):
        sounds[name, "prompt"] = protocol.prompt(on_page[name])
    report = Report(
        f"{options.name} on {protocol.name}",
        f"{len(protocol.items)} items of protocol {protocol.name} ({protocol.rule}, "
        f"{protocol.identity}), {about}.", rows,
        [f"{name}: {why}" for name, why in panel.missing.items()])
    print(write_results(options.out, report, sounds,
                        {item.id: item.prompt_text for item in protocol.items}))
    print(f"listen: {options.out / 'report.html'}")
    return 1 if panel.missing or any("error" in row for row in rows) else 0


def speak(options: argparse.Namespace, protocol: Protocol,
          ) -> tuple[Any, int | None, Path, dict[str, str], str]:
    """(codec, its codebooks in use, folder of audio, what could not be spoken, a phrase on how)."""
    from valle.evaluate.speaking import VALLESystem, speak_items, weights_of

    if options.wavs:
        return None, None, options.wavs, {}, f"audio of {options.wavs}"
    tts, sampling = load_voice(options)
    system = VALLESystem(tts, sampling, weights_of(options.model))
    wavs = options.out / "wav"
    with progress(total=len(protocol.items), unit="items", desc="speaking") as bar:
        problems = speak_items(protocol, system, wavs, options.seed, bar.update)
    about = (f"model {options.model} ({system.weights}), codec {tts.model.codec.identity}, seed "
             f"{options.seed}, temperature {sampling.temperature:g}, top-k {sampling.top_k}, top-p "
             f"{sampling.top_p:g}, guidance {sampling.guidance:g} and {sampling.nar_guidance:g}, "
             f"best of {sampling.best_of}, {sampling.retries} retries, {tts.precision}")
    return tts.model.codec, tts.model.nar.config.n_codebooks, wavs, problems, about
