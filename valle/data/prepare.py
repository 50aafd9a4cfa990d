"""A corpus to a prepared folder: phones, codes and durations, in parallel and resumable.

What comes out does not depend on the number of workers: recordings are taken in the order of their
ids and encoded one by one on one thread.
"""
from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from valle.data.corpora import detect, read_corpus
from valle.data.lock import locked
from valle.data.manifest import SKIPPED
from valle.data.preparation import Preparation
from valle.data.process import Processor, Work
from valle.data.recording import LeftOut, summary
from valle.data.workers import parallel, serial
from valle.data.writer import DOUBTFUL_SCORE, PreparedWriter
from valle.features.progress import progress
from valle.model.checkpoint import model_folder

TINY_CORPUS = 100  # below this many recordings only a corpus broken as a whole is given up


def prepare(corpus: str | Path, out: str | Path, how: Preparation | None = None) -> dict[str, Any]:
    """Prepare a corpus for training. Run it again after an interruption: it goes on.

    Args:
        corpus: folder of a corpus that `valle.data.corpora` reads.
        out: prepared folder, see `valle.data.manifest`.

    Returns:
        The contents of prepared.json: totals, codec identity, settings.

    Raises:
        FileNotFoundError: no such corpus, codec or aligner.
        ValueError: nothing to prepare, too many broken recordings, or `out` holds something else
            or is in use.
        RuntimeError: a worker process died.
    """
    how, root = how or Preparation(), Path(corpus).resolve()
    kind = detect(root) if how.kind == "auto" else how.kind
    found = read_corpus(root, kind, how.language)
    recordings = sorted(found, key=lambda recording: recording.id)
    if not recordings:
        reasons = summary(item.cause for item in found.left_out) or "no audio"
        raise ValueError(f"no recordings in {root} (read as {kind}: {reasons}): check the path and "
                         "--kind")
    work = Work(str(model_folder(how.codec)) if how.codec else None,
                str(model_folder(how.aligner)) if how.aligner else None, how.max_seconds)
    processor = Processor(work)
    settings = {"corpus": str(root), "kind": kind, "language": how.language,
                "codec": processor.codec.identity if processor.codec else None,
                "aligner": _fingerprint(work.aligner) if work.aligner else None,
                "max_seconds": how.max_seconds}
    with locked(out, "preparing"):
        writer = PreparedWriter(out, settings, processor.spec, how.shard_size)
        todo = [r for r in recordings if r.id not in writer.done]
        workers = min(os.cpu_count() or 1 if how.workers is None else how.workers, len(todo))
        results = parallel(work, todo, workers) if workers > 1 else serial(processor, todo)
        limit = how.max_broken * len(recordings) if len(recordings) >= TINY_CORPUS else math.inf
        for result in progress(results, total=len(recordings), unit="clips", desc=root.name,
                               initial=len(recordings) - len(todo)):
            if writer.add(result) and writer.info["broken"] > limit:
                results.close()
                break
        writer.flush()
        if writer.info["broken"] > limit:
            raise _give_up(writer, found.left_out, f"{writer.info['broken']} of {len(recordings)} "
                           f"recordings are broken, more than {how.max_broken:.1%}")
        if not writer.info["utterances"]:
            raise _give_up(writer, found.left_out,
                           f"none of {len(recordings)} recordings can be used")
        return writer.close("finished", found.left_out)


def describe(info: dict[str, Any]) -> str:
    """A few lines about a prepared folder for people: what is in it, and what is not and why."""
    codes = (f"{info['spec'].n_codebooks} codebooks of {info['codec']}" if info["codec"]
             else "no codes")
    lines = [f"{info['utterances']} utterances, {info['hours']:.2f} h, {info['speakers']} "
             f"speakers, {info['aligned']} with durations, {codes}"]
    if info["without_text"]:
        lines.append(f"{info['without_text']} without text: only the codec learns from them (texts "
                     "are NAME.txt beside NAME.wav, or rows ID|text of metadata.csv)")
    if info["doubtful"]:
        lines.append(f"{info['doubtful']} whose text is hardly what is said (score below "
                     f"{DOUBTFUL_SCORE:g}): left out of training, unless --min-score is lower")
    if info["skipped"]:
        causes = ", ".join(f"{count} {cause}" for cause, count in info["causes"].items())
        lines.append(f"{info['skipped']} left out ({causes}): skipped.jsonl names each")
    return "\n".join(lines)


def _give_up(writer: PreparedWriter, left_out: Sequence[LeftOut], reason: str) -> ValueError:
    writer.close("aborted", left_out)
    return ValueError(f"{reason}; {writer.folder / SKIPPED} says why. Repair or remove them and "
                      "run again")


def _fingerprint(folder: str | Path) -> str:
    """Sixteen hex digits over the files of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
