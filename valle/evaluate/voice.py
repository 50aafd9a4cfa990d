"""A voice on pairs of prompt and text: is the text there, and is it the prompt's voice.

Similarity is to the prompt as recorded, cut to what the model heard ("SIM-o" in the literature).
`other` is the mean similarity to the other prompts of the pair's group, `above` the share of them
that are less similar than the right one: what a random other prompt would show, without its noise.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from codec import Codec, load_audio, normalize_loudness, trim_silence
from codec.files import atomic_path
from g2p import BOUNDARIES, phonemize
from valle.evaluate.codec import decode, encode
from valle.evaluate.judges import Judges, Score
from valle.evaluate.pairs import REAL, SYNTHETIC, Pair
from valle.evaluate.similarity import Embedding, cosine
from valle.evaluate.table import bootstrap, markdown
from valle.evaluate.words import Samples
from valle.sampling import SamplingOptions
from valle.tts import VALLE, Audio

SAMPLE_RATE = 24_000
VOICE, RECORDING = "voice", "recording"
Row = dict[str, Any]


class Speaker(Protocol):
    """Speaks a text in the voice of a prompt.

    Attributes:
        settings: what decides the result besides pair and seed; a change speaks all pairs again.
    """

    settings: Mapping[str, Any]

    def __call__(self, pair: Pair, seed: int) -> tuple[Audio, float]:
        """The speech, and how many seconds of the trimmed prompt were heard."""


@dataclass
class VALLESpeaker:
    """A voice model as the protocol's Speaker; prompts are cut at a word.

    A plain model has no aligner to find the words by: it hears its prompts whole.
    """

    tts: VALLE
    sampling: SamplingOptions
    prompt_seconds: float = 3.0
    weights: str = ""
    settings: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.settings = {"model": self.tts.name, "weights": self.weights,
                         "codec": self.tts.model.codec.identity,
                         "prompt_seconds": self.prompt_seconds, "cut": "nearest",
                         **dataclasses.asdict(self.sampling)}

    def __call__(self, pair: Pair, seed: int) -> tuple[Audio, float]:
        prompt = self.tts.encode_prompt(pair.prompt, pair.prompt_text).cut(
            int(self.prompt_seconds * self.tts.model.codec.frame_rate))
        audio = self.tts.speak(pair.text, prompt=prompt, seed=seed, sampling=self.sampling)
        return audio, prompt.codes.shape[1] / self.tts.model.codec.frame_rate


def weights_of(folder: str | Path) -> str:
    """Sixteen hex digits over the weights of a model folder."""
    digest = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.safetensors")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def speak_pairs(pairs: Sequence[Pair], speak: Speaker, out: Path, seed: int = 0, *,
                on_pair: Callable[[int], object] | None = None) -> int:
    """Speak each pair into out/ID.wav with out/ID.json beside it; returns how many were spoken.

    A pair whose files were made with the same text, prompt and settings is passed over.
    """
    spoken = 0
    for index, pair in enumerate(pairs):
        settings = {**speak.settings, "seed": seed * 1000 + index, "text": pair.text,
                    "prompt": pair.prompt, "prompt_text": pair.prompt_text}
        path = out / f"{pair.id}.wav"
        if not path.is_file() or read_record(path).get("protocol") != _plain(settings):
            path.with_suffix(".json").unlink(missing_ok=True)
            audio, heard = speak(pair, settings["seed"])
            record = {**audio.settings, "protocol": settings, "prompt_heard": heard}
            dataclasses.replace(audio, settings=record).save(path)
            spoken += 1
        if on_pair is not None:
            on_pair(1)
    return spoken


def read_record(wav: Path) -> dict[str, Any]:
    """The JSON file beside a wav; empty where there is none or a damaged one."""
    try:
        record = json.loads(wav.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def prepared_audio(path: str, seconds: float | None = None) -> Samples:
    """A recording as a prompt is heard: trimmed, at -23 dBFS, the first `seconds` of it."""
    samples = load_audio(path, max_seconds=float("inf"))
    start, end = trim_silence(samples)
    samples = normalize_loudness(samples[start:end])
    return samples if seconds is None else samples[: round(seconds * SAMPLE_RATE)]


@dataclass
class Scorer:
    """Scores spoken pairs and their anchors, keeping each row in a file as soon as it is known.

    A row is taken from the file when pair, samples, texts and prompts are what they were.
    """

    judges: Callable[[], Judges]
    pairs: Sequence[Pair]
    out: Path
    protocol: str
    on_row: Callable[[int], object] | None = None

    def __post_init__(self) -> None:
        self._judges: Judges | None = None
        known = read_rows(self.out / "scores.jsonl")
        write_rows(self.out / "scores.jsonl", known)  # without a line that a kill has cut
        self._known = {row["key"]: row for row in known}
        self._prompts: dict[str, Embedding] = {}
        self._heard = {p.id: read_record(self.out / "wav" / f"{p.id}.wav").get("prompt_heard", 3.0)
                       for p in self.pairs}
        self._state = [self.protocol, self._heard, [p.prompt for p in self.pairs]]

    def voice(self) -> list[Row]:
        """One row for each spoken pair."""
        rows = []
        for pair in self.pairs:
            path = self.out / "wav" / f"{pair.id}.wav"
            record = read_record(path)
            phones = sum(p not in BOUNDARIES for p in phonemize(pair.text))
            samples = load_audio(path, max_seconds=float("inf"))
            seconds = len(samples) / SAMPLE_RATE
            more = {"finish": record.get("finish", "cap"),
                    "phones_per_second": round(phones / seconds, 2)}
            rows.append(self._row(pair, VOICE, pair.text, samples, more))
        return rows

    def anchors(self, codec: Codec | None = None, n_codebooks: int | None = None) -> list[Row]:
        """One row for each recording of the pairs' speakers, and one for it behind the codec."""
        rows = []
        for pair in self.pairs:
            if pair.truth is None or not pair.truth_text:
                continue
            samples = prepared_audio(pair.truth)
            rows.append(self._row(pair, RECORDING, pair.truth_text, samples, {}))
            if codec is not None:
                books = n_codebooks or codec.n_codebooks
                again = decode(codec, encode(codec, samples)[:books])[: len(samples)]
                rows.append(self._row(pair, f"codec, {books} books", pair.truth_text, again, {}))
        return rows

    def _row(self, pair: Pair, version: str, text: str, samples: Samples, more: Row) -> Row:
        digest = hashlib.sha256(np.ascontiguousarray(samples).tobytes())
        digest.update(json.dumps([*self._state, dataclasses.asdict(pair), version, text]).encode())
        key = digest.hexdigest()[:24]
        if key not in self._known:
            score = self._judge(samples, text)
            row = {"id": pair.id, "group": pair.group, "speaker": pair.speaker[:12],
                   "version": version, **more,
                   "seconds": round(len(samples) / SAMPLE_RATE, 2), "text": text,
                   "heard": score.heard, "wer": score.wer and round(score.wer, 4),
                   "werc": round(score.werc, 4), "ovrl": round(score.ovrl, 3),
                   **self._similarity(pair, score.embedding), "key": key}
            self._known[key] = row
            with (self.out / "scores.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self.on_row is not None:
            self.on_row(1)
        return self._known[key]

    def _judge(self, samples: Samples, text: str) -> Score:
        if self._judges is None:
            self._judges = self.judges()
            for pair in self.pairs:
                prompt = prepared_audio(pair.prompt, self._heard[pair.id])
                self._prompts[pair.id] = self._judges.speaker(prompt, SAMPLE_RATE)
        return self._judges(samples, SAMPLE_RATE, text)

    def _similarity(self, pair: Pair, embedding: Embedding) -> Row:
        right = cosine(embedding, self._prompts[pair.id])
        others = [cosine(embedding, self._prompts[p.id]) for p in self.pairs
                  if p.group == pair.group and p.speaker != pair.speaker]
        if not others:
            return {"similarity": round(right, 4), "other": None, "above": None}
        return {"similarity": round(right, 4), "other": round(float(np.mean(others)), 4),
                "above": round(float(np.mean([right > other for other in others])), 4)}


def read_rows(path: Path) -> list[Row]:
    """Rows of a JSONL file but those cut by a kill; none where there is no file."""
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
    return rows


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """One row per line, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
                             encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """Markdown: a line per group and version, and for all; means with bootstrap intervals."""
    versions = list(dict.fromkeys(row["version"] for row in rows))
    versions.sort(key=lambda v: (v == VOICE, v != RECORDING))
    lines = []
    for group in (SYNTHETIC, REAL, "all"):
        for version in versions:
            part = [r for r in rows if r["version"] == version and group in (r["group"], "all")]
            if part:
                lines.append(_line(group, version, part))
    header = ("group", "what", "clips", "EOS", "WERc", "WER", "SIM right", "SIM other",
              "right > mean other", "right > any other", "OVRL")
    return markdown(header, lines)


def _line(group: str, version: str, rows: Sequence[Row]) -> list[object]:
    column = {key: [row.get(key) for row in rows]
              for key in ("werc", "wer", "similarity", "other", "above", "ovrl")}
    wins = [r["similarity"] > r["other"] for r in rows if r.get("other") is not None]
    ended = sum(row.get("finish") == "eos" for row in rows) if version == VOICE else "-"
    above = bootstrap(column["above"])
    return [group, version, len(rows), ended, bootstrap(column["werc"]), bootstrap(column["wer"]),
            bootstrap(column["similarity"]), bootstrap(column["other"]),
            f"{sum(wins)} of {len(wins)}", f"{above.mean:.0%}" if above.count else "-",
            bootstrap(column["ovrl"])]


def _plain(value: Any) -> Any:
    """As it is after a trip through JSON."""
    return json.loads(json.dumps(value))
