"""`valle evaluate parts`: where words and voice are lost."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

from valle.commands.voice_options import add_voice_arguments, load_voice

HELP = """Send passages through more and more of a voice: codec, NAR, AR.

  valle evaluate parts --protocol recipes/protocols/real.jsonl --data ../shared/corpus \\
      --clips 30 --out out/parts
  valle evaluate parts --prepared data/libri --held-out @held_out.txt --clips 30 --out out/parts

One table: ground truth; copies by the codec with 1, 2, 4 and all books, plain and in the prompt's
voice; the recording's own book 1 with the NAR's books; the whole voice. Below --out: parts.md,
parts.jsonl (a line per passage and part) and judged.jsonl. Goes on where it was stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--protocol", type=Path, help="passages: a protocol with recordings")
    parser.add_argument("--data", type=Path, metavar="FOLDER",
                        help="where the protocol's paths start")
    parser.add_argument("--prepared", type=Path, nargs="+", default=[], metavar="FOLDER",
                        help="passages of folders made by `valle prepare` instead; prompts are "
                             "other recordings of the same speaker")
    parser.add_argument("--held-out", nargs="+", default=["*"], metavar="PATTERN",
                        help="with --prepared: names or patterns of the speakers; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--clips", type=int, default=40, help="how many passages; default 40")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[1, 2, 4],
                        help="books to decode from, besides all; default 1 2 4")
    parser.add_argument("--recognizer", nargs="+", default=["whisper:base", "whisper:tiny.en"],
                        metavar="NAME_OR_FOLDER")
    parser.add_argument("--speaker", nargs="+", default=["resemblyzer"], metavar="NAME_OR_FOLDER")
    parser.add_argument("--seed", type=int, default=0, help="of the choice and of the speech")
    add_voice_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec.files import atomic_path
    from valle.evaluate.panel import Memory, Panel, encoder, listener, qualities
    from valle.evaluate.parts import Parts, evaluate_parts, settings_of, table
    from valle.evaluate.speaking import weights_of
    from valle.tts import model_folder
    from valle.synthesis.rerank import JUDGES, judge_folder

    passages, source = passages_of(options)
    texts = [text for p in passages for text in (p.text, p.prompt_text)]
    panel = Panel(Memory(options.out / "judged.jsonl"),
                  [listener(name, texts) for name in options.recognizer],
                  [encoder(name) for name in options.speaker], qualities())
    panel.find()
    for why in panel.missing.values():
        print(f"warning: {why}", file=sys.stderr)
    tts, sampling = load_voice(options)
    every = tts.model.codec.n_codebooks
    books = sorted({n for n in options.n_codebooks if 0 < n <= every} | {every}, reverse=True)
    parts = Parts(tts, sampling, books, options.seed)
    weights = weights_of(model_folder(options.model), *map(judge_folder, JUDGES))
    with tqdm(total=len(passages) * len(parts.names), unit="clip",
              disable=not sys.stderr.isatty()) as bar:
        rows = evaluate_parts(parts, passages, panel, options.out / "parts.jsonl",
                              settings_of(parts, weights), bar.update)
    text = (f"# Parts of {options.model}\n\n{len(passages)} passages of {source}, "
            f"{weights}, codec {tts.model.codec.identity}.\n\n{table(rows)}")
    with atomic_path(options.out / "parts.md") as path:
        path.write_text(text, encoding="utf-8")
    print(text)
    return 0


def passages_of(options):
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.manifest import Prepared
    from valle.evaluate.parts import of_protocol, of_utterances
    from valle.evaluate.protocols import read_protocol

    if options.protocol:
        protocol = read_protocol(options.protocol, options.data)
        return of_protocol(protocol, options.clips), f"protocol {protocol.name}"
    _, held = split_speakers(Prepared.open(options.prepared).utterances,
                             read_patterns(options.held_out))
    return of_utterances(held, options.clips, options.seed), ", ".join(map(str, options.prepared))
