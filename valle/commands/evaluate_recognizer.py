"""`valle evaluate recognizer`: what is said, by several recognisers on the same clips."""
from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

HELP = """Let recognisers transcribe recordings of speakers that training has not heard.

  valle evaluate recognizer --model runs/recognizer pocketsphinx --held-out @held_out.txt \\
      --data LibriSpeech CommonVoice/en speechocean762 --clips 100 --out out/recognizer

--model: folders made by `train.py --stage recognizer`; pocketsphinx, or closed (PocketSphinx that
knows the texts of the clips among 400 others); and, with a network connection at their first use,
hubert-large, whisper[:MODEL], transformers:MODEL.

Below --out: recognizer.md (the table), recognizer.jsonl (a line per clip and recogniser) and
judged.jsonl. Goes on where it was stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", nargs="+", required=True, metavar="NAME_OR_FOLDER",
                        help="recognisers to compare")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="corpus folders with text, as for `train.py --stage recognizer`")
    parser.add_argument("--held-out", nargs="+", default=["*"], metavar="PATTERN",
                        help="names or patterns of the speakers; @FILE reads them")
    parser.add_argument("--clips", type=int, default=100, help="of each corpus; default 100")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of clips")


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from codec.files import atomic_path
    from valle.commands.train import read_patterns
    from valle.data.batching import split_speakers
    from valle.data.clips import SAMPLE_RATE, find_clips, load_clip
    from valle.evaluate.panel import Memory, Panel, listener
    from valle.evaluate.rows import write_rows
    from valle.evaluate.table import bootstrap, column, judges, markdown
    from valle.evaluate.wer import character_errors, pick_distractors, word_errors
    from valle.features.text import words

    everything = [c for c in find_clips(options.data) if c.text and words(c.text)]
    _, held = split_speakers(everything, read_patterns(options.held_out))
    chosen = []
    for corpus in dict.fromkeys(clip.corpus for clip in held):
        mine = sorted((c for c in held if c.corpus == corpus), key=lambda c: c.id)
        chosen += random.Random(options.seed).sample(mine, min(options.clips, len(mine)))
    if not chosen:
        raise ValueError("no clips with text of these speakers: check --data and --held-out")
    texts = [clip.text or "" for clip in chosen]
    others = pick_distractors((c.text or "" for c in everything), texts, options.seed)
    panel = Panel(Memory(options.out / "judged.jsonl"),
                  [listener(name, [*texts, *others]) for name in options.model], [], None)
    rows = []
    for clip in tqdm(chosen, unit="clip", disable=not sys.stderr.isatty()):
        loaded = load_clip(clip)
        if loaded is None:
            continue
        said = words(clip.text or "")
        heard = panel.hear(loaded.samples, SAMPLE_RATE)
        rows.append({"id": clip.id, "target": clip.speaker, "group": clip.corpus,
                     "words": len(said), "text": " ".join(said),
                     "heard": {n: " ".join(h) for n, h in heard.items()},
                     "wer": {n: word_errors(said, h).rate for n, h in heard.items()},
                     "cer": {n: character_errors(said, h).rate for n, h in heard.items()}})
    lines = []
    for name in judges(rows, "wer"):
        for corpus in [*dict.fromkeys(r["group"] for r in rows), "all"]:
            part = [r for r in rows if corpus in (r["group"], "all")]
            speakers, weights = [r["target"] for r in part], [r["words"] for r in part]
            lines.append([name, corpus, len(part), len(set(speakers)),
                          *(bootstrap(column(part, key, name), speakers, weights)
                            for key in ("wer", "cer"))])
    text = ("# Recognisers\n\n"
            + markdown(("recogniser", "corpus", "clips", "speakers", "WER", "CER"), lines)
            + "\nOver all words; 95 % bootstrap intervals over speakers. closed: PocketSphinx that "
            "knows the texts among others.\n"
            + "".join(f"\n- not measured: {name}: {why}" for name, why in panel.missing.items()))
    write_rows(options.out / "recognizer.jsonl", rows)
    with atomic_path(options.out / "recognizer.md") as path:
        path.write_text(text, encoding="utf-8")
    print(text)
    return 1 if panel.missing else 0
