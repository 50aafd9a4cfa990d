"""From text to speech: segments, candidates, the best of them, their sound.

    segments (segment.py) -> codebook 1 (AR) -> the others (NAR) -> samples (codec): candidates
    -> the best of them (rerank.py) -> finished segments, one after the other (join.py)

Every arrow makes new values and changes none. Who wants a whole text collects the iterator, who
streams sends each segment as it comes, who has heard enough leaves it.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from codec.audio import Samples
from codec.ltas import match_ltas
from g2p import BOUNDARIES
from valle.engine.kvcache import fast_bfloat16, pick_precision
from valle.engine.select import pick_engine
from valle.model.checkpoint import Model
from valle.model.nar import NARBatch, NARRow
from valle.speaker.encoder import Embedding
from valle.synthesis.batch import MAX_ROWS, generate
from valle.synthesis.candidate import Candidate, best, is_fluent
from valle.synthesis.decode import Generated, Request, fill_latents
from valle.synthesis.join import SpokenSegment, finished
from valle.synthesis.lead import lead, with_lead, without_lead
from valle.synthesis.options import SamplingOptions
from valle.synthesis.rerank import LANGUAGE, UNCLEAR, Reranker
from valle.synthesis.segment import Segment
from valle.synthesis.voice import Prompt
from valle.synthesis.watermark import Watermark


@dataclass(frozen=True)
class Delivery:
    """How segments are spoken: in whose voice, in which language, drawn how.

    Attributes:
        continuation: each text goes on where the prompt stops, and begins with the prompt.
        speed: 2 is twice as fast, at the same pitch.
    """

    voice: Prompt
    language: str
    sampling: SamplingOptions
    continuation: bool = False
    speed: float = 1.0


def _nobody(done: int) -> None:
    """Nobody asks how far it is."""


class Pipeline:
    """The parts of a model on one device. It keeps nothing of a call but the last voice it met.

    Attributes:
        watermark: what every finished segment is marked with, or None.
    """

    def __init__(self, model: Model, device: torch.device, precision: str = "auto",
                 engine: str = "auto") -> None:
        """precision: of the weights while speaking, "auto" or one of kvcache.PRECISIONS.
        engine: what runs the AR, one of select.ENGINES.

        Raises:
            ImportError, ValueError: the engine is unknown, is missing, or cannot take the model.
        """
        self.model, self.device = model, device
        self.precision = pick_precision(precision, device)
        self.engine, self.ar, self.decoder = pick_engine(engine, model.ar.to(device),
                                                         self.precision, device)
        self.watermark: Watermark | None = None
        self._embedded: tuple[Prompt, Embedding] | None = None
        model.nar.to(device)
        if isinstance(model.codec, torch.nn.Module):
            model.codec.to(device)

    @cached_property
    def reranker(self) -> Reranker:
        """Loaded when there is first something to choose from."""
        return Reranker.load()

    def stream(self, segments: Sequence[Segment], delivery: Delivery, together: int | None = None,
               on_frame: Callable[[int], None] | None = None) -> Iterator[SpokenSegment]:
        """Finished segments in their order. What becomes of one does not depend on the others.

        Args:
            together: segments that are spoken side by side, None for all: the first is heard
                soonest with 1, the last with all.
            on_frame: called with the work that was done: 1 for each token that the AR wrote, and 1
                more for each frame that went through NAR and codec.
        """
        together = together or max(1, len(segments))
        for first in range(0, len(segments), together):
            some = segments[first: first + together]
            for segment, candidates in zip(some, self.candidates(some, delivery, on_frame),
                                           strict=True):
                yield self.finish(segment, candidates, delivery)

    def finish(self, segment: Segment, candidates: Sequence[Candidate], delivery: Delivery,
               ) -> SpokenSegment:
        """The best of its candidates as it is heard: with its pauses, at its speed, and marked.

        All speech leaves through here, so a stream is marked as a file is.
        """
        codec = self.model.codec
        spoken = finished(segment, best(candidates), codec.sample_rate, codec.hop,
                          delivery.sampling.pause,
                          delivery.speed * delivery.sampling.speed)
        return replace(spoken, samples=self.marked(spoken.samples))

    def marked(self, samples: Samples) -> Samples:
        """Samples [N] at the codec's rate with the watermark, where there is one."""
        return (samples if self.watermark is None
                else self.watermark.marked(samples, self.model.codec.sample_rate))

    def candidates(self, segments: Sequence[Segment], delivery: Delivery,
                   on_frame: Callable[[int], None] | None = None) -> list[tuple[Candidate, ...]]:
        """The candidates of each segment: `best_of`, then more while none will do."""
        found: list[tuple[Candidate, ...]] = [()] * len(segments)
        numbers = range(delivery.sampling.best_of)
        wanting = list(range(len(segments)))
        while wanting:
            more = self.draw([segments[index] for index in wanting], numbers, delivery, on_frame)
            for index, new in zip(wanting, more, strict=True):
                found[index] = self.judged(segments[index], (*found[index], *new), delivery)
            numbers = range(numbers.stop, numbers.stop + 1)
            wanting = [index for index in wanting
                       if self.wanted(segments[index], found[index], delivery)]
        return found

    def wanted(self, segment: Segment, found: Sequence[Candidate], delivery: Delivery) -> range:
        """Numbers of the candidates to draw next of a segment that has these; none when it is done.
        """
        have, sampling = len(found), delivery.sampling
        if have < sampling.best_of:
            return range(have, sampling.best_of)
        if have >= sampling.best_of + sampling.retries or self._will_do(
                best(found), segment, delivery.language):
            return range(0)
        return range(have, have + 1)

    def judged(self, segment: Segment, found: Sequence[Candidate], delivery: Delivery,
               ) -> tuple[Candidate, ...]:
        """The same candidates, scored where there is something to choose from."""
        return self._scored(segment, found, delivery.voice) if len(found) > 1 else tuple(found)

    def draw(self, segments: Sequence[Segment], numbers: range, delivery: Delivery,
             on_frame: Callable[[int], None] | None = None) -> list[tuple[Candidate, ...]]:
        """The candidates of these numbers of each segment, without scores, in one batch."""
        jobs = [(segment, number) for segment in segments for number in numbers]
        requests = [self.request(segment, number, delivery) for segment, number in jobs]
        generated = generate(self.ar, requests, delivery.sampling, self.decoder, on_frame)
        done = on_frame or _nobody
        frames = self._filled(requests, generated, delivery, done)
        found = []
        for (segment, _), request, one, rows in zip(jobs, requests, generated, frames, strict=True):
            led = len(request.phones) - len(segment.phones)
            found.append(self._sounding(segment, one, *rows, delivery, led))
            done(len(one.codes) // 2)
        return [tuple(found[at: at + len(numbers)]) for at in range(0, len(found), len(numbers))]

    def complete(self, segment: Segment, generated: Generated, delivery: Delivery,
                 alone: bool = False) -> Candidate:
        """A codebook 1 with the NAR's other codebooks, and its sound.

        alone: it is of the segment's phones alone, without the word before short ones (lead.py).
        """
        request = self.request(segment, 0, delivery)
        if alone:
            request = replace(request, phones=self.model.vocabulary.encode(segment.phones))
        [frames] = self._filled([request], [generated], delivery, _nobody)
        led = len(request.phones) - len(segment.phones)
        return self._sounding(segment, generated, *frames, delivery, led)

    def request(self, segment: Segment, number: int, delivery: Delivery) -> Request:
        """What the AR goes on from for one candidate."""
        vocabulary, ids, voice = self.model.vocabulary, self.model.ar.ids, delivery.voice
        spoken = self._spoken(segment, delivery)
        known, phones = vocabulary.encode(voice.phones), vocabulary.encode(spoken)
        codes = voice.codes[0].tolist()
        heard = (ids.codes(codes) if voice.durations is None
                 else ids.interleave(known, voice.durations, codes))
        return Request([*ids.prefix(delivery.language, known + phones), *heard], phones,
                       [phone in BOUNDARIES for phone in spoken], segment.seed + number,
                       self.model.codec.frame_rate, segment.durations)

    def _spoken(self, segment: Segment, delivery: Delivery) -> list[str]:
        """The phones of a segment, behind a word of their own where it is short (lead.py)."""
        alone = ((delivery.continuation and segment.first) or segment.durations is not None
                 or delivery.voice.durations is None)
        word = () if alone else lead(delivery.language)
        return with_lead(segment.phones, () if self.model.vocabulary.unknown(word) else word)

    def _filled(self, requests: Sequence[Request], generated: Sequence[Generated],
                delivery: Delivery, done: Callable[[int], None] = _nobody,
                ) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
        """Latents [D, T] of prompt and target of each request, by the NAR, and the phone of each
        frame [T], None where the model does not know it; both perhaps with padding behind."""
        known = self.model.vocabulary.encode(delivery.voice.phones)
        rows = [nar_row(delivery.voice, known, request.phones, one)
                for request, one in zip(requests, generated, strict=True)]
        together = 1 if self.device.type == "cpu" else MAX_ROWS  # padding would cost time there
        half = self.precision != "float32" and fast_bfloat16(self.device)
        found: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        codebooks = self.model.codec.codebooks  # stacked anew whenever they are asked for
        for first in range(0, len(rows), together):
            batch = NARBatch.pad(rows[first: first + together], self.model.nar.config, self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                latents = fill_latents(self.model.nar, batch, codebooks,
                                       delivery.sampling.nar_guidance,
                                       delivery.sampling.nar_temperature)
            said = batch.frame_phones
            found += zip(latents, [None] * len(latents) if said is None else said, strict=True)
            done(sum(-(-len(one.codes) // 2) for one in generated[first: first + together]))
        return found

    def _sounding(self, segment: Segment, generated: Generated, latents: torch.Tensor,
                  said: torch.Tensor | None, delivery: Delivery, led: int = 0) -> Candidate:
        """The sound of what `_filled` gives, the target's with the prompt's LTAS.

        led: phones of the word that was said before a short segment, and is cut off.
        """
        codec, voice = self.model.codec, delivery.voice
        known = voice.codes.shape[1]
        frames = known + len(generated.codes)
        phones: dict[str, torch.Tensor] = {}
        if codec.phones and said is not None:
            phones = {"phones": said[None, :frames], "voice_phones": said[None, :known]}
        wav = codec.decode(latents[None, :, :frames], voice.codes[None], **phones)
        before, target = np.split(wav[0, 0].float().cpu().numpy(), [known * codec.hop])
        generated, samples = without_lead(
            generated, match_ltas(target, voice.ltas, codec.sample_rate), led, codec.spec)
        return Candidate(generated, samples,
                         before if delivery.continuation and segment.first else None,
                         is_fluent(generated, samples, segment.phones, codec.sample_rate))

    def _scored(self, segment: Segment, candidates: Sequence[Candidate], voice: Prompt,
                ) -> tuple[Candidate, ...]:
        """The same candidates, each with its score."""
        whose, rate = self._embedding(voice), self.model.codec.sample_rate
        return tuple(one if one.score else replace(
            one, score=self.reranker.score(one.samples, rate, segment.phones, whose))
            for one in candidates)

    def _embedding(self, voice: Prompt) -> Embedding:
        """The voice as it sounds behind the codec; the last one is remembered."""
        last = self._embedded
        if last is None or last[0] is not voice:
            known = voice.codes[None]
            heard = self.model.codec.decode(known, known)[0, 0].float().cpu().numpy()
            self._embedded = last = voice, self.reranker.voice(heard, self.model.codec.sample_rate)
        return last[1]

    def _will_do(self, candidate: Candidate, segment: Segment, language: str) -> bool:
        """Is it fluent, and are its words clear where we can tell?"""
        if not candidate.fluent:
            return False
        if not language.startswith(LANGUAGE):
            return True
        words = (candidate.score.words if candidate.score is not None
                 else self.reranker.words(candidate.samples, self.model.codec.sample_rate,
                                          segment.phones))
        return words >= UNCLEAR


def nar_row(voice: Prompt, known: list[int], phones: list[int], generated: Generated) -> NARRow:
    """The prompt in all codebooks, then the target in the first. known: the prompt's phone ids."""
    target = np.zeros((len(voice.codes), len(generated.codes)), np.int64)
    target[0] = generated.codes
    durations = (None if voice.durations is None or generated.durations is None
                 else [*voice.durations, *generated.durations])
    return NARRow([*known, *phones], np.concatenate([voice.codes.cpu().numpy(), target], axis=1),
                  voice.codes.shape[1], durations)
