"""Where words and voice are lost: the same passages through more and more of the model.

From the recording to the whole voice: resynthesis from 1, 2, 4 and all codebooks, plain and in the
prompt's voice; the recording's own codebook 1 with the NAR's other codebooks; the voice. What a
line loses against the one before is lost in the part that it adds.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from codec.audio import Samples
from g2p import phonemize
from valle.data.batching import spread_out
from valle.data.manifest import Utterance, load_samples
from valle.evaluate.codec import encode
from valle.evaluate.panel import DISTILLMOS, KEPT_OUT, OVRL, Panel, name_of
from valle.evaluate.protocols import SAMPLE_RATE, Protocol, read
from valle.evaluate.rows import Row, append_row, read_rows, write_rows
from valle.evaluate.table import Estimate, bootstrap, column, judges, markdown, paired
from valle.evaluate.voice import SYNTHESIS, TRUTH, as_heard
from valle.evaluate.wer import word_figures
from valle.speaker.encoder import Embedding, cosine
from valle.synthesis.decode import Generated
from valle.synthesis.options import SamplingOptions
from valle.synthesis.pipeline import Delivery
from valle.synthesis.segment import Segment
from valle.synthesis.voice import Prompt
from valle.tts import VALLE

LANGUAGE = "en-us"
FILLED = "true codebook 1, NAR's codebooks"
IN_VOICE = ", in the prompt's voice"


@dataclass(frozen=True)
class Passage:
    """A recording of a text, and a prompt of the same speaker.

    Attributes:
        target: what is repeated with other prompts: these count as one when intervals are drawn.
        truth, prompt: give samples [N] at 24 kHz.
    """

    id: str
    target: str
    speaker: str
    text: str
    prompt_text: str
    truth: Callable[[], Samples]
    prompt: Callable[[], Samples]


def of_protocol(protocol: Protocol, count: int) -> list[Passage]:
    """At most `count` items that have a recording, spread over the protocol.

    Raises:
        ValueError: no item has one.
    """
    items = [item for item in protocol.items if item.truth and not item.continuation]
    if not items:
        raise ValueError(f"protocol {protocol.name} has no recordings of its texts: take another")
    return [Passage(item.id, item.target, item.speaker[:12], item.text, item.prompt_text,
                    partial(read, protocol.root, [item.truth]),
                    partial(protocol.prompt, item))
            for item in spread_out(items, count)]


def of_utterances(pairs: Iterable[tuple[Utterance, Utterance]]) -> list[Passage]:
    """Pairs of an utterance and another one of the same speaker, the prompt."""
    return [Passage(u.id, u.id, u.speaker, u.text or "", prompt.text or "",
                    partial(load_samples, u), partial(load_samples, prompt))
            for u, prompt in pairs]


@dataclass
class Parts:
    """The parts of a voice, and how it speaks.

    Attributes:
        codebooks: numbers of codebooks to decode from, most first.
    """

    tts: VALLE
    sampling: SamplingOptions
    codebooks: Sequence[int]
    seed: int = 0

    @classmethod
    def of(cls, tts: VALLE, sampling: SamplingOptions, books: Sequence[int], seed: int) -> Parts:
        """With these numbers of codebooks, as far as the codec has them, and all."""
        every = tts.model.codec.n_codebooks
        some = {n for n in books if 1 <= n <= every}
        return cls(tts, sampling, sorted(some | {every}, reverse=True), seed)

    @property
    def names(self) -> list[str]:
        """The lines of the table in order."""
        copies = [f"{n} codebook{'s' if n > 1 else ''}" for n in self.codebooks]
        return [TRUTH, *copies, *(copy + IN_VOICE for copy in copies), FILLED, SYNTHESIS]

    def sounds(self, passage: Passage) -> Iterator[tuple[str, Callable[[], Samples]]]:
        """Each line's name and what makes its samples [N] at 24 kHz."""
        tts = self.tts
        truth = as_heard(passage.truth())
        phones = phonemize(passage.text, LANGUAGE)
        prompt = tts.encode_prompt(passage.prompt(), passage.prompt_text)
        codes = torch.from_numpy(encode(tts.model.codec, truth)).to(tts.device)
        aligner = tts.model.aligner
        durations = None if aligner is None else tuple(aligner.durations(truth, phones))
        true = Generated(tuple(codes[0].tolist()), durations)
        told = {"voice": prompt.codes[None], **self._phones(prompt, phones, true)}
        copies = [partial(self._decode, codes[:n], known) for known in ({}, told)
                  for n in self.codebooks]
        yield from zip(self.names, (
            lambda: truth, *copies, lambda: self._filled(prompt, phones, true),
            lambda: tts.speak(passage.text, prompt=prompt, sampling=self.sampling,
                              seed=self.seed + zlib.crc32(passage.id.encode())).samples,
        ), strict=True)

    def _phones(self, prompt: Prompt, phones: Sequence[str], true: Generated,
                ) -> dict[str, torch.Tensor]:
        """What synthesis tells a decoder of the frames: the phone of each, where that is known."""
        model = self.tts.model
        if not model.codec.phones or prompt.durations is None or true.durations is None:
            return {}
        return {name: torch.tensor(np.repeat(model.vocabulary.encode(these), frames),
                                   device=self.tts.device)[None]
                for name, these, frames in (("phones", phones, true.durations),
                                            ("voice_phones", prompt.phones, prompt.durations))}

    @torch.inference_mode()
    def _decode(self, codes: torch.Tensor, told: dict[str, torch.Tensor]) -> Samples:
        """Samples of codes [Q', T]; told: what else the decoder knows."""
        wav = self.tts.model.codec.decode(codes[None], **told)
        return np.asarray(wav[0, 0].float().cpu().numpy())

    def _filled(self, prompt: Prompt, phones: Sequence[str], true: Generated) -> Samples:
        """The NAR's codebooks on a true codebook 1, as synthesis goes on from there."""
        return self.tts.pipeline.complete(Segment(tuple(phones), self.seed), true,
                                          Delivery(prompt, LANGUAGE, self.sampling),
                                          alone=True).samples


def evaluate_parts(parts: Parts, passages: Sequence[Passage], panel: Panel, path: Path,
                   settings: dict[str, Any], on_row: Callable[[int], object] | None = None,
                   ) -> list[Row]:
    """Rows of all passages and lines, kept in a file from which a stopped run goes on.

    Args:
        settings: what decides the rows besides passages and judges.
    """
    judged_by = [f"{j.name} {j.identity}" for j in panel.judges if j.name not in panel.missing]
    key = hashlib.sha256(json.dumps([settings, judged_by]).encode()).hexdigest()[:12]
    known = {(row["id"], row["part"]): row for row in read_rows(path) if row["key"] == key}
    write_rows(path, known.values())
    rows = []
    for passage in passages:
        if all((passage.id, name) in known for name in parts.names):
            rows += [known[passage.id, name] for name in parts.names]
            continue
        try:
            whose = panel.embed(as_heard(passage.prompt()), SAMPLE_RATE)
            for name, make in parts.sounds(passage):
                row = known.get((passage.id, name))
                if row is None:
                    row = {"key": key, **_row(passage, name, make(), panel, whose)}
                    append_row(path, row)
                rows.append(row)
                if on_row is not None:
                    on_row(1)
        except (OSError, ValueError) as error:
            rows.append({"key": key, "id": passage.id, "part": TRUTH,
                         "error": " ".join(str(error).split())})
    return rows


def _row(passage: Passage, part: str, samples: Samples, panel: Panel,
         whose: dict[str, Embedding]) -> Row:
    return {"id": passage.id, "target": passage.target, "speaker": passage.speaker, "part": part,
            "seconds": round(len(samples) / SAMPLE_RATE, 2), "text": passage.text,
            **word_figures(passage.text, panel.hear(samples, SAMPLE_RATE)),
            **panel.rate(samples, SAMPLE_RATE),
            "sim": {n: round(cosine(e, whose[n]), 4)
                    for n, e in panel.embed(samples, SAMPLE_RATE).items()}}


def parts_table(rows: Sequence[Row]) -> str:
    """One line a part, words first; below it, what could not be scored."""
    scored = [row for row in rows if "error" not in row]
    listeners, encoders = judges(scored, "wer"), judges(scored, "sim")
    by_part: dict[str, dict[str, Row]] = {}
    for row in scored:
        by_part.setdefault(row["part"], {})[row["id"]] = row
    lines = [[name, *(_mean(mine, "wer", listener) for listener in listeners[:1]),
              *(_more(by_part[TRUTH], by_part[name], listener) for listener in listeners[:1]),
              *(_mean(mine, "wer", listener) for listener in listeners[1:]),
              *(_mean(mine, key) for key in (DISTILLMOS, OVRL)),
              *(_mean(mine, "sim", encoder) for encoder in encoders), len(mine)]
             for name in by_part if (mine := list(by_part[name].values()))]
    first, *others = map(name_of, listeners)
    header = ["part", first, "more than ground truth", *others, "DistillMOS", "OVRL",
              *(f"SIM-o {encoder}" for encoder in encoders), "passages"]
    broken = "".join(f"\n- not scored: {r['id']}: {r['error']}" for r in rows if "error" in r)
    return markdown(header, lines) + (
        "\nWhat a line loses against the one before is lost in the part that it adds. Codebooks: "
        "of the recording's own codes; in the prompt's voice a decoder is told what synthesis "
        "tells it, the prompt's codes and perhaps the phone of each frame. Similarity is to the "
        "recorded prompt; 95 % bootstrap intervals over targets; "
        f"{' and '.join(KEPT_OUT)} took part in no choice.\n{broken}")


def _mean(rows: Sequence[Row], key: str, judge: str | None = None) -> Estimate:
    weights = [row["words"] for row in rows] if key == "wer" else None
    return bootstrap(column(rows, key, judge), [row["target"] for row in rows], weights)


def _more(truth: dict[str, Row], part: dict[str, Row], listener: str) -> Estimate:
    """How many more words are lost than of the recording, passage by passage."""
    both = [i for i in part if i in truth]
    a, b = [truth[i] for i in both], [part[i] for i in both]
    return paired(column(a, "wer", listener), column(b, "wer", listener),
                  [row["target"] for row in a], [row["words"] for row in a])


def settings_of(parts: Parts, weights: str) -> dict[str, Any]:
    """Everything of the model that decides the rows."""
    tts = parts.tts
    return {"weights": weights, "codec": tts.model.codec.identity, "precision": tts.precision,
            "engine": tts.engine, "seed": parts.seed, "torch": torch.__version__,
            **dataclasses.asdict(parts.sampling)}
