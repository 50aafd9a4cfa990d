"""Recognisers on the same clips: what each of them hears."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

from valle.data.clips import SAMPLE_RATE, Clip, load_clip
from valle.evaluate.panel import Panel
from valle.evaluate.rows import Row
from valle.evaluate.table import bootstrap, column, judges, markdown
from valle.evaluate.wer import word_figures
from valle.features.text import words


def evaluate_recognizers(clips: Iterable[Clip], panel: Panel) -> list[Row]:
    """A row for each clip that can be read."""
    rows = []
    for clip in clips:
        loaded = load_clip(clip)
        if loaded is not None:
            text = clip.text or ""
            rows.append({"id": clip.id, "target": clip.speaker, "group": clip.corpus,
                         "text": " ".join(words(text)),
                         **word_figures(text, panel.hear(loaded.samples, SAMPLE_RATE))})
    return rows


def recognizer_table(rows: Sequence[Row], missing: dict[str, str]) -> str:
    """Error rates of each recogniser on each corpus and on all."""
    lines = []
    for name in judges(rows, "wer"):
        for corpus in [*dict.fromkeys(r["group"] for r in rows), "all"]:
            part = [r for r in rows if corpus in (r["group"], "all")]
            speakers, weights = [r["target"] for r in part], [r["words"] for r in part]
            lines.append([name, corpus,
                          *(bootstrap(column(part, key, name), speakers, weights)
                            for key in ("wer", "cer")), len(part), len(set(speakers))])
    return ("# Recognisers\n\n"
            + markdown(("recogniser", "corpus", "WER", "CER", "clips", "speakers"), lines)
            + "\nOver all words; 95 % bootstrap intervals over speakers. closed: PocketSphinx that "
            "knows the texts among others.\n"
            + "".join(f"\n- not measured: {name}: {why}" for name, why in missing.items()))
