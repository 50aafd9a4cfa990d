"""The judges of a table, found before there is anything to judge, and a memory of what they said.

Whisper base chooses (what is trained on, what a sweep settles), and so does our ECAPA (the best of
several readings). Whisper tiny.en and Resemblyzer choose nothing, anywhere: they stand beside the
others and show what is a gain and what is only the taste of the judge. A test holds them out.
"""
from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from codec.audio import Samples
from valle.evaluate.fetch import digest_of
from valle.evaluate.quality import Quality, distillmos
from valle.evaluate.rows import append_row, read_rows, write_rows
from valle.recognizer.listener import RECOGNIZERS
from valle.recognizer.sphinx import PocketSphinx
from valle.recognizer.whisper import DECODING, FETCH, weights_folder
from valle.speaker.encoder import ENCODERS, Embedding
from valle.synthesis.hearing import scorer_folder

WHISPER, SECOND = "whisper:base", "whisper:tiny.en"
CLOSED = "closed"          # PocketSphinx with the texts of the protocol: WERc
KEPT_OUT = ("whisper-tiny.en", "resemblyzer")  # of every choice
OVRL, DISTILLMOS = "ovrl", "distillmos"
FLATTERS = ("closed (WERc) knows the texts and hears words that nobody else would: of 0.9.0 it "
            "gave .086 where Whisper base gave .230")
LEAST_SECONDS = 0.1        # shorter sound is padded: no judge takes nothing


class JudgeMissing(ValueError):
    """A judge cannot be had here: no package, no weights, no network. It says what to do."""


@dataclass
class Judge:
    """Somebody who says something of a clip.

    Attributes:
        name: label in tables.
        identity: changes with everything that changes its judgement.
        load: gives a function of (samples [N], sample rate); called at the first need.
        missing: why it cannot be had, once that was tried.
    """

    name: str
    identity: str
    load: Callable[[], Callable[[Samples, int], Any]]
    missing: str | None = field(default=None, init=False)

    @cached_property
    def judge(self) -> Callable[[Samples, int], Any]:
        return self.load()

    def prepare(self) -> None:
        """Load the judge. Raises JudgeMissing where it cannot be had."""
        if self.missing is None:
            try:
                _ = self.judge
            except (ImportError, OSError, ValueError) as error:
                self.missing = " ".join(str(error).split())
        if self.missing is not None:
            raise JudgeMissing(self.missing)


class Memory:
    """What each judge said of each clip, kept in a file line by line.

    A table that is made again asks no judge again, and one that was stopped goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str], Any] = {}
        rows = read_rows(path)
        if rows:
            write_rows(path, rows)  # without a line that a kill has cut
        for row in rows:
            self._known[row["clip"], row["judge"]] = row["said"]

    def ask(self, judge: Judge, samples: Samples, sample_rate: int) -> Any:
        """What the judge says of samples [N], as JSON has it.

        Raises:
            JudgeMissing: it cannot be had, and has never heard them.
        """
        digest = hashlib.sha256(np.ascontiguousarray(samples, np.float32).tobytes())
        key = f"{sample_rate}-{digest.hexdigest()[:20]}", f"{judge.name} {judge.identity}"
        if key not in self._known:
            judge.prepare()
            padded = np.pad(samples, (0, max(0, round(LEAST_SECONDS * sample_rate) - len(samples))))
            said = judge.judge(padded, sample_rate)
            if isinstance(said, np.ndarray):
                said = [round(float(x), 6) for x in said]
            self._known[key] = said
            append_row(self.path, {"clip": key[0], "judge": key[1], "said": said})
        return self._known[key]


class Panel:
    """Listeners, speaker encoders and judges of sound.

    A judge who cannot be had (no package, no network) is left out, with the reason in `missing`;
    the others go on.
    """

    def __init__(self, memory: Memory, listeners: list[Judge], encoders: list[Judge],
                 sound: list[Judge]) -> None:
        self._memory = memory
        self.listeners, self.encoders, self.sound = listeners, encoders, sound

    @property
    def judges(self) -> list[Judge]:
        return [*self.listeners, *self.encoders, *self.sound]

    @property
    def missing(self) -> dict[str, str]:
        """Why judges that were tried cannot be had, by name."""
        return {judge.name: judge.missing for judge in self.judges if judge.missing}

    def find(self) -> None:
        """Load all judges, before the work that they are to judge; warn of each missing one.

        Raises:
            JudgeMissing: listeners were asked for, and none of them can be had.
        """
        for judge in self.judges:
            try:
                judge.prepare()
            except JudgeMissing as error:
                if judge in self.listeners and all(one.missing for one in self.listeners):
                    raise
                warnings.warn(f"{judge.name} does not judge: {error}", stacklevel=2)

    def _ask(self, judge: Judge, samples: Samples, sample_rate: int) -> Any:
        try:
            return self._memory.ask(judge, samples, sample_rate)
        except JudgeMissing:
            return None

    def hear(self, samples: Samples, sample_rate: int) -> dict[str, list[str]]:
        """Words heard in samples [N] by each listener."""
        said = {j.name: self._ask(j, samples, sample_rate) for j in self.listeners}
        return {name: words for name, words in said.items() if words is not None}

    def embed(self, samples: Samples, sample_rate: int) -> dict[str, Embedding]:
        """Embedding [D] of samples [N] by each encoder."""
        said = {j.name: self._ask(j, samples, sample_rate) for j in self.encoders}
        return {name: np.array(e, np.float32) for name, e in said.items() if e is not None}

    def rate(self, samples: Samples, sample_rate: int) -> dict[str, float | None]:
        """How good samples [N] sound to each judge of sound, from 1 to 5."""
        return {j.name: self._ask(j, samples, sample_rate) for j in self.sound}


def make_panel(out: Path, recognizers: Sequence[str], encoders: Sequence[str],
               closed_texts: list[str]) -> Panel:
    """Judges by name, found, with DNSMOS and DistillMOS; they remember in a file below `out`.

    Args:
        closed_texts: what the listener "closed" knows.

    Raises:
        ValueError: nobody is called so, or no listener can be had.
    """
    panel = Panel(Memory(out / "judged.jsonl"),
                  [listener(name, closed_texts) for name in recognizers],
                  [encoder(name) for name in encoders], sound())
    panel.find()
    if CLOSED in recognizers:
        warnings.warn(FLATTERS, stacklevel=2)
    return panel


def default_recognizers() -> list[str]:
    """Whisper base and, to be reported beside it, tiny.en; PocketSphinx where there is no Whisper.
    """
    if not on_this_machine(WHISPER):
        warnings.warn(f"Whisper base is not on this machine, so PocketSphinx judges words: {FETCH}",
                      stacklevel=2)
        return [CLOSED]
    return [WHISPER, *([SECOND] if on_this_machine(SECOND) else [])]


def on_this_machine(whisper: str) -> bool:
    """Is there a folder of this Whisper, whole or damaged?"""
    try:
        return weights_folder(whisper.partition(":")[2]) is not None
    except FileNotFoundError:
        return True  # to be told of what is missing is better than to be judged by another


def default_encoders() -> list[str]:
    """Resemblyzer, and our own ECAPA, which also chooses among readings."""
    return ["resemblyzer", str(scorer_folder("ecapa"))]


def listener(name: str, closed_texts: list[str]) -> Judge:
    """The listener of this name; "closed" is PocketSphinx knowing the texts.

    Raises:
        ValueError: no such listener.
    """
    if name == CLOSED:
        digest = hashlib.sha256(json.dumps(closed_texts).encode()).hexdigest()[:16]
        return Judge(name, digest, lambda: PocketSphinx(closed_texts))
    name = WHISPER if name == "whisper" else name
    RECOGNIZERS.check(name)
    return Judge(label(name), files_digest(name), lambda: RECOGNIZERS.load(name))


def encoder(name: str) -> Judge:
    """The speaker encoder of this name.

    Raises:
        ValueError: no such encoder.
    """
    ENCODERS.check(name)
    return Judge(label(name), files_digest(name), lambda: ENCODERS.load(name))


def sound() -> list[Judge]:
    """DNSMOS OVRL and DistillMOS."""
    return [Judge(DISTILLMOS, "v7", distillmos), Judge(OVRL, "dnsmos", Quality)]


def files_digest(name: str) -> str:
    """Sixteen hex digits over the files of a judge's folder or file; none where it has no files."""
    kind, _, model = name.partition(":")
    path, how = Path(model or name), ""
    if kind == "whisper":
        how = f" {DECODING}"
        with suppress(FileNotFoundError):
            path = weights_folder(model) or path
    files = sorted(p for p in path.glob("*") if p.suffix in (".json", ".safetensors", ".bin")) \
        if path.is_dir() else [path]
    digests = [digest for digest in map(digest_of, files) if digest]
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    return (whole if digests else "published") + how


def label(name: str) -> str:
    """A judge's name in tables: that of its folder, whisper-base, or as it is."""
    kind, _, model = name.partition(":")
    for folder in (name, model):
        if folder and Path(folder).is_dir():
            return Path(folder).name
    return f"{kind}-{model}" if kind == "whisper" and model else name


def name_of(listener: str) -> str:
    """Heading of a listener's error rate."""
    return "WERc" if listener == CLOSED else f"WER {listener}"
