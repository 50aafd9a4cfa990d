"""The report of a voice: tables, plots, rows."""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.files import atomic_path
from valle.evaluate.panel import CLOSED, DISTILLMOS, FLATTERS, KEPT_OUT, OVRL, name_of
from valle.evaluate.robustness import CLASSES
from valle.evaluate.rows import Row
from valle.evaluate.table import Estimate, bootstrap, column, judges, markdown
from valle.evaluate.voice import TRUTH
from valle.features.optional import needed

ALL = "all"


@dataclass(frozen=True)
class Report:
    """Rows of one protocol, and what is to be said above and below the tables.

    Attributes:
        title, about: heading and a paragraph.
        problems: lines on what could not be judged.
    """

    title: str
    about: str
    rows: list[Row]
    problems: list[str]

    @property
    def scored(self) -> list[Row]:
        return [row for row in self.rows if "error" not in row]

    def markdown(self) -> str:
        """Words, voice, robustness and quality, each a table, then what went wrong."""
        parts = [f"# {self.title}", self.about, "## Words", self.words(), "## Voice", self.voice(),
                 "## Failures", self.robustness(), *self._problems()]
        return "\n\n".join(part.strip() for part in parts) + "\n"

    def _problems(self) -> list[str]:
        broken = [f"{r['version']}, {r['id']}: {r['error']}" for r in self.rows if "error" in r]
        lines = [*self.problems, *broken]
        return ["## Not scored", "\n".join(f"- {line}" for line in lines)] if lines else []

    def words(self) -> str:
        """Error rates over all words of each part, by listener, and how good it sounds."""
        header = ["group", "what", *(name_of(j) for j in self.listeners),
                  *(f"CER {j}" for j in self.listeners), "DistillMOS", "OVRL", "items"]
        lines = [[group, version,
                  *(over_words(rows, key, j) for key in ("wer", "cer") for j in self.listeners),
                  *(bootstrap(column(rows, key), targets(rows)) for key in (DISTILLMOS, OVRL)),
                  len(rows)] for group, version, rows in parts(self.scored)]
        return markdown(header, lines) + (
            "\nErrors of all words (characters) over their number: contractions, numbers and "
            "British spelling count as equal, and words written together or apart. DistillMOS and "
            "DNSMOS OVRL go from 1 to 5. 95 % bootstrap intervals over targets. "
            f"{' and '.join(KEPT_OUT)} took part in no choice.\n"
            + (f"WERc: PocketSphinx that knows the texts of the protocol among others. {FLATTERS}."
               "\n" if CLOSED in self.listeners else ""))

    @property
    def listeners(self) -> list[str]:
        return judges(self.scored, "wer")

    def _first(self, rows: Sequence[Row]) -> list[Estimate]:
        """The error rate that stands first in every table."""
        return [over_words(rows, "wer", j) for j in self.listeners[:1]]

    def voice(self) -> str:
        """Similarities by encoder; the recordings' are what the speakers themselves reach."""
        lines = []
        for encoder in judges(self.scored, "sim_o"):
            for group, version, rows in parts(self.scored):
                clusters = targets(rows)
                first = bootstrap(column(rows, "first", encoder), clusters)
                lines.append([group, version, *self._first(rows), encoder,
                              *(bootstrap(column(rows, key, encoder), clusters)
                                for key in ("sim_o", "sim_r", "other")),
                              self._closed_gap(group, rows, encoder),
                              f"{first.mean:.0%}" if first.count else "-"])
        header = ("group", "what", *map(name_of, self.listeners[:1]), "encoder", "SIM-o", "SIM-r",
                  "other speakers", "gap closed", "nearest of ten")
        return markdown(header, lines) + (
            "\nSIM-o: cosine to the recorded prompt, SIM-r: to its copy by the codec. `ground "
            "truth` is another utterance of the same speaker, `other speakers` the mean cosine to "
            "their prompts. Gap closed: of the way from other speakers to the recordings' SIM-o. "
            "Nearest of ten: how often the right prompt is nearer than those of nine other "
            "speakers of the group, or of all where it has fewer.\n")

    def _closed_gap(self, group: str, rows: Sequence[Row], encoder: str) -> str:
        anchor = [r for r in self.scored if r["version"] == TRUTH and r["group"] in (
            group, *([r["group"]] if group == ALL else []))]
        if not anchor or rows[0]["version"] == TRUTH:
            return "-"
        top, low = (bootstrap(column(anchor, key, encoder)).mean for key in ("sim_o", "other"))
        mine = bootstrap(column(rows, "sim_o", encoder)).mean
        return f"{(mine - low) / (top - low):.0%}" if top > low else "-"

    def robustness(self) -> str:
        """How many items fail, by class."""
        lines = []
        for group, version, rows in parts(self.scored):
            counts = Counter(name for row in rows for name in row.get("failures", ()))
            failed = sum(bool(row.get("failures")) for row in rows)
            lines.append([group, version, *self._first(rows),
                          f"{failed} ({failed / len(rows):.1%})", *(counts[n] for n in CLASSES),
                          len(rows)])
        return markdown(("group", "what", *map(name_of, self.listeners[:1]), "any", *CLASSES,
                         "items"), lines) + (
            "\nFound in what the first listener heard and in the sound; in the ground truth they "
            "are the judges' own errors.\n")


def parts(rows: Sequence[Row]) -> list[tuple[str, str, list[Row]]]:
    """(group, version, rows) for all groups and, where there are several, for all together."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    versions = list(dict.fromkeys(row["version"] for row in rows))
    found = []
    for group in [*groups, *([ALL] if len(groups) > 1 else [])]:
        for version in versions:
            part = [r for r in rows if r["version"] == version and group in (r["group"], ALL)]
            if part:
                found.append((group, version, part))
    return found


def over_words(rows: Sequence[Row], key: str, listener: str) -> Estimate:
    """An error rate over all words of rows, by targets."""
    return bootstrap(column(rows, key, listener), targets(rows), [row["words"] for row in rows])


def targets(rows: Sequence[Row]) -> list[str]:
    """What each row counts as one with."""
    return [str(row["target"]) for row in rows]


def plot(rows: Sequence[Row], folder: Path) -> list[Path]:
    """wer.png (errors by length) and similarity.png (histograms beside both baselines).

    Raises:
        ImportError: no matplotlib.
    """
    needed("matplotlib").use("Agg")
    from matplotlib import pyplot

    scored = [row for row in rows if "error" not in row]
    made = []
    for name, draw in (("wer.png", _draw_words), ("similarity.png", _draw_similarity)):
        figure, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
        draw(axes, scored)
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        with atomic_path(folder / name) as path:
            figure.savefig(path, dpi=110, format="png")
        pyplot.close(figure)
        made.append(folder / name)
    return made


def _draw_words(axes: Any, rows: Sequence[Row]) -> None:
    """Word error rate of thirds of the items by length, first listener."""
    listener = next(iter(judges(rows, "wer")), "")
    for version in dict.fromkeys(row["version"] for row in rows):
        mine = sorted((r["words"], r["wer"][listener]) for r in rows
                      if r["version"] == version and listener in r["wer"])
        few = [part for part in np.array_split(np.array(mine).reshape(-1, 2), 3) if len(part)]
        axes.plot([part[:, 0].mean() for part in few],
                  [np.average(part[:, 1], weights=part[:, 0]) for part in few], "o-",
                  label=version)
    axes.set_xlabel("words in the text")
    axes.set_ylabel(name_of(listener))
    axes.set_ylim(bottom=0)


def _draw_similarity(axes: Any, rows: Sequence[Row]) -> None:
    """Cosines to the right prompt, and the recordings' to other speakers' prompts."""
    encoder = next(iter(judges(rows, "sim_o")), "")
    bins = np.linspace(0, 1, 41)
    anchors = [r for r in rows if r["version"] == TRUTH] or list(rows)
    others = [r["other"][encoder] for r in anchors if encoder in r.get("other", {})]
    axes.hist(others, bins, alpha=0.35, color="grey", label="other speakers (mean)")
    for version in dict.fromkeys(row["version"] for row in rows):
        mine = [r["sim_o"][encoder] for r in rows
                if r["version"] == version and encoder in r["sim_o"]]
        axes.hist(mine, bins, histtype="step", linewidth=1.6, label=version)
    axes.set_xlabel(f"cosine to the prompt ({encoder})")
    axes.set_ylabel("items")
