"""`valle evaluate recognizer`: what is said, by several recognisers on the same clips."""
from __future__ import annotations

import argparse
from pathlib import Path

from valle.features.progress import progress

HELP = """Let recognisers transcribe recordings of speakers that training has not heard.

  valle evaluate recognizer --model runs/recognizer pocketsphinx --held-out @held_out.txt \\
      --data LibriSpeech CommonVoice/en speechocean762 --clips 100 --out out/recognizer

--model: folders made by `valle train recognizer`; whisper:base or whisper:FOLDER;
pocketsphinx, closed (PocketSphinx that knows the texts of the clips among 400 others); and, with a
network connection at their first use, hubert-large, whisper:MODEL, transformers:MODEL.

Below --out: recognizer.md (the table), recognizer.jsonl (a line per clip and recogniser) and
judged.jsonl. Goes on where it was stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", nargs="+", required=True, metavar="NAME_OR_FOLDER",
                        help="recognisers to compare")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="corpus folders with text, as for `valle train recognizer`")
    parser.add_argument("--held-out", nargs="+", default=["*"], metavar="PATTERN",
                        help="names or patterns of the speakers; @FILE reads them")
    parser.add_argument("--clips", type=int, default=100, help="of each corpus; default 100")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")


def run(options: argparse.Namespace) -> int:
    from valle.data.clips import find_clips
    from valle.data.held_out import read_patterns, split_speakers
    from valle.evaluate.choice import of_each_corpus
    from valle.evaluate.panel import Memory, Panel, listener
    from valle.evaluate.recognizer import evaluate_recognizers, recognizer_table
    from valle.evaluate.results import write_text
    from valle.evaluate.rows import write_rows
    from valle.evaluate.wer import pick_distractors
    from valle.features.text import words

    everything = [c for c in find_clips(options.data) if c.text and words(c.text)]
    _, held = split_speakers(everything, read_patterns(options.held_out))
    chosen = of_each_corpus(held, options.clips, options.seed)
    texts = [clip.text or "" for clip in chosen]
    others = pick_distractors((c.text or "" for c in everything), texts, options.seed)
    panel = Panel(Memory(options.out / "judged.jsonl"),
                  [listener(name, [*texts, *others]) for name in options.model], [], [])
    panel.find()
    rows = evaluate_recognizers(progress(chosen, unit="clips", desc="judging"), panel)
    text = recognizer_table(rows, panel.missing)
    write_rows(options.out / "recognizer.jsonl", rows)
    write_text(options.out / "recognizer.md", text)
    print(text)
    return 1 if panel.missing else 0
