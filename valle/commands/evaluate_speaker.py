"""`valle evaluate speaker`: who is speaking, by several encoders on the same trials."""
from __future__ import annotations

import argparse
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from valle.features.progress import progress

if TYPE_CHECKING:
    from valle.data.clips import Clip
    from valle.evaluate.speaker_trials import Trial

HELP = """Verify speakers that training has not heard.

  valle evaluate speaker --model runs/ecapa resemblyzer --held-out @held_out.txt \\
      --data LibriSpeech CommonVoice/en speechocean762 --out out/speaker

--model: folders made by `valle train speaker`; resemblyzer; and, with a network connection at
their first use, wavlm-xvector, wavlm-tdnn, speechbrain, wespeaker (wespeaker:FILE.onnx and
wavlm-tdnn:FILE.pth read a file). Trials: all pairs of up to ten clips of each held-out speaker, and
20 000 pairs of different speakers of the same corpus, seeded.

Below --out: trials.tsv, embeddings-*.jsonl, speaker.jsonl (a line per encoder), speaker.md (the
table) and det.png. Goes on where it was stopped; the trials stay when encoders are added.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", nargs="+", required=True, metavar="NAME_OR_FOLDER",
                        help="encoders to compare")
    parser.add_argument("--data", type=Path, nargs="+", required=True,
                        help="corpus folders, as for `valle train speaker`")
    parser.add_argument("--held-out", nargs="+", default=["*"], metavar="PATTERN",
                        help="names or patterns of the speakers to verify; @FILE reads them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--trials", type=Path, help="use this file; default: the one below --out, "
                                                    "or new trials")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of trials")


def run(options: argparse.Namespace) -> int:
    from codec.files import atomic_path
    from valle.evaluate.panel import files_digest
    from valle.evaluate.rows import write_rows
    from valle.evaluate.speaker_report import embed_clips, measure, plot_det, report
    from valle.speaker.encoder import ENCODERS

    trials, clips, about = trials_of(options)
    speakers = {clip.id: clip.speaker for clip in clips}
    results, failures = [], []
    for name in dict.fromkeys(options.model):
        path = options.out / f"embeddings-{hashlib.sha256(name.encode()).hexdigest()[:8]}.jsonl"
        try:
            with progress(total=len(clips), desc=name, unit="clips") as bar:
                embeddings = embed_clips(clips, partial(ENCODERS.load, name),
                                         f"{name} {files_digest(name)}", path, bar.update)
        except (ImportError, OSError, ValueError) as error:
            if len(options.model) == 1:
                raise
            failures.append(f"{name}: {error}")
            continue
        results.append(measure(name, trials, embeddings, speakers))
    if not results:
        raise ValueError(f"no encoder could be loaded: {'; '.join(failures)}")
    try:
        plot_det(results, options.out / "det.png")
        plot = True
    except ImportError as error:
        failures.append(str(error))
        plot = False
    text = report(results, about, failures, plot)
    write_rows(options.out / "speaker.jsonl", [result.to_json() for result in results])
    with atomic_path(options.out / "speaker.md") as path:
        path.write_text(text, encoding="utf-8")
    print(text)
    return 1 if failures else 0


def trials_of(options: argparse.Namespace) -> tuple[list[Trial], list[Clip], str]:
    """The trials, the clips they are about, and a sentence on both.

    Raises:
        FileNotFoundError, ValueError: data or trials are missing, or do not belong together.
    """
    from valle.data.clips import by_speaker, find_clips
    from valle.data.held_out import read_patterns, split_speakers
    from valle.evaluate.speaker_trials import make_trials, read_trials, write_trials

    known = find_clips(options.data)
    path = options.trials or options.out / "trials.tsv"
    if options.trials or path.is_file():
        trials = read_trials(path)
    else:
        _, held = split_speakers(known, read_patterns(options.held_out))
        trials = make_trials(held, options.seed)
    write_trials(options.out / "trials.tsv", trials)
    named = {i for trial in trials for i in (trial.a, trial.b)}
    clips = [clip for clip in known if clip.id in named]
    if len(clips) < len(named):
        missing = sorted(named - {clip.id for clip in clips})
        raise ValueError(f"{len(missing)} clips of {path} are not in --data, such as {missing[0]}: "
                         "give the same --data, or another --out for new trials")
    same = sum(trial.same for trial in trials)
    corpora = ", ".join(sorted({clip.corpus for clip in clips}))
    digest = hashlib.sha256(json.dumps([vars(t) for t in trials]).encode()).hexdigest()[:8]
    return trials, clips, (
        f"{same} trials of the same speaker and {len(trials) - same} of different ones (of the "
        f"same corpus), {len(clips)} clips of {len(by_speaker(clips))} speakers in {corpora}. "
        f"Trials {digest}, in trials.tsv.\n")
