"""`valle evaluate parts`: where words and voice are lost."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from valle.commands.judge_options import add_judge_arguments
from valle.commands.voice_options import add_voice_arguments, load_voice
from valle.features.progress import progress

if TYPE_CHECKING:
    from valle.evaluate.parts import Passage

HELP = """Send passages through more and more of a voice: codec, NAR, AR.

  valle evaluate parts --protocol recipes/protocols/real.jsonl --data ../shared/corpus \\
      --clips 30 --out out/parts
  valle evaluate parts --prepared data/libri --held-out @held_out.txt --clips 30 --out out/parts

One table: ground truth; resynthesis by the codec from 1, 2, 4 and all codebooks, plain and in the
prompt's voice; the recording's own codebook 1 with the NAR's codebooks; the whole voice. Below
--out: parts.md, parts.jsonl (a line per passage and part) and judged.jsonl. Goes on where it was
stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    passages = parser.add_mutually_exclusive_group(required=True)
    passages.add_argument("--protocol", type=Path, help="passages: a protocol with recordings")
    passages.add_argument("--prepared", type=Path, nargs="+", metavar="FOLDER",
                          help="passages: folders made by `valle prepare`; prompts are other "
                               "recordings of the same speaker")
    parser.add_argument("--data", type=Path, metavar="FOLDER",
                        help="where the protocol's paths start")
    parser.add_argument("--held-out", nargs="+", default=["*"], metavar="PATTERN",
                        help="with --prepared: names or patterns of the speakers; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--clips", type=int, default=40, help="how many passages; default 40")
    parser.add_argument("--n-codebooks", type=int, nargs="+", default=[1, 2, 4],
                        help="codebooks to decode from, besides all; default 1 2 4")
    add_judge_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the choice and of the speech")
    add_voice_arguments(parser)


def run(options: argparse.Namespace) -> int:
    from valle.evaluate.panel import default_encoders, default_recognizers, make_panel
    from valle.evaluate.parts import Parts, evaluate_parts, parts_table, settings_of
    from valle.evaluate.results import write_text
    from valle.evaluate.speaking import weights_of

    passages, source = passages_of(options)
    texts = [text for p in passages for text in (p.text, p.prompt_text)]
    panel = make_panel(options.out, options.recognizer or default_recognizers(),
                       options.speaker or default_encoders(), texts)
    tts, sampling = load_voice(options)
    parts = Parts.of(tts, sampling, options.n_codebooks, options.seed)
    weights = weights_of(options.model)
    with progress(total=len(passages) * len(parts.names), unit="clips", desc="parts") as bar:
        rows = evaluate_parts(parts, passages, panel, options.out / "parts.jsonl",
                              settings_of(parts, weights), bar.update)
    text = (f"# Parts of {options.model}\n\n{len(passages)} passages of {source}, weights "
            f"{weights}, codec {tts.model.codec.identity}, seed {options.seed}.\n\n"
            f"{parts_table(rows)}")
    write_text(options.out / "parts.md", text)
    print(text)
    return 1 if panel.missing or any("error" in row for row in rows) else 0


def passages_of(options: argparse.Namespace) -> tuple[list[Passage], str]:
    """The passages, and where they come from.

    Raises:
        FileNotFoundError, ValueError: data that are missing or hold no passages.
    """
    from valle.data.held_out import read_patterns, split_speakers
    from valle.data.manifest import Prepared
    from valle.evaluate.choice import with_prompts, with_words
    from valle.evaluate.parts import of_protocol, of_utterances
    from valle.evaluate.protocol_files import read_protocol

    if options.protocol:
        if not options.data:
            raise ValueError("--protocol needs --data, the folder that its paths start from")
        protocol = read_protocol(options.protocol, options.data)
        return of_protocol(protocol, options.clips), f"protocol {protocol.name}"
    _, held = split_speakers(Prepared.open(options.prepared).utterances,
                             read_patterns(options.held_out))
    pairs = with_prompts(with_words(held), options.clips, options.seed)
    return of_utterances(pairs), ", ".join(map(str, options.prepared))
