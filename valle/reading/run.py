"""A reading: spoken segment by segment into a folder, and joined when all of it is there."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codec.audio import Samples
from codec.encode import pcm
from codec.record import write_json
from valle.features.progress import progress
from valle.reading import mux, report
from valle.reading.book import Book
from valle.reading.cast import NARRATOR
from valle.reading.parts import Parts
from valle.reading.plan import Plan
from valle.reading.timeline import Timeline, timeline
from valle.synthesis.finish import tags
from valle.synthesis.options import SamplingOptions
from valle.synthesis.pipeline import Delivery
from valle.synthesis.subtitles import beside, write_subtitles
from valle.synthesis.voice import Prompt
from valle.version import __version__

if TYPE_CHECKING:
    from valle.tts import VALLE


@dataclass(frozen=True)
class Reading:
    """All that a finished file depends on.

    Attributes:
        voices: by the names of the cast; NARRATOR is one of them.
    """

    book: Book
    plan: Plan
    voices: Mapping[str, Prompt]
    language: str
    seed: int
    sampling: SamplingOptions

    def record(self, tts: VALLE) -> dict[str, Any]:
        """What the samples of its segments depend on, for whoever goes on with them."""
        cast = {name: voice.sha256 for name, voice in self.voices.items() if name != NARRATOR}
        return {"valle": __version__, **self.plan.digests,
                "voice": self.voices[NARRATOR].sha256, **({"cast": cast} if cast else {}),
                "weights": tts.model.digest, "codec": tts.model.codec.identity,
                "language": self.language, "seed": self.seed, "device": tts.device.type,
                "precision": tts.precision, "engine": tts.engine, **asdict(self.sampling)}


def speak(reading: Reading, tts: VALLE, parts: Parts, silent: bool = False) -> None:
    """Speak the segments that are not there yet, each on its own, so that it sounds the same
    whenever it is its turn."""
    plan = reading.plan
    there = {number for number in range(len(plan.segments)) if parts.whole(number)}
    sizes = [len(segment.phones) for segment in plan.segments]
    deliveries = {name: Delivery(voice, reading.language, reading.sampling)
                  for name, voice in reading.voices.items()}
    with progress(total=sum(sizes), initial=sum(sizes[number] for number in there), desc="reading",
                  unit="phones", silent=silent) as bar:
        for number, segment in enumerate(plan.segments):
            if number not in there:
                speaker = plan.passages[segment.text].speaker
                [one] = tts.pipeline.stream([segment], deliveries[speaker])
                parts.write(number, one)
                bar.update(sizes[number])


def finish(reading: Reading, tts: VALLE, parts: Parts, out: Path, subtitles: str | None = None,
           ) -> dict[str, Any]:
    """Write the sound file, its subtitles and its report; what the report says."""
    line, rate = timeline(reading.plan, parts), parts.sample_rate
    marks = report.marks(reading.book, reading.plan, line, rate)
    digest = hashlib.sha256()
    book = reading.book
    about = {**tags(tts.name), "title": book.title, "album": book.title,
             **({"artist": book.author, "album_artist": book.author} if book.author else {}),
             "genre": "Audiobook"}
    mux.write(out, _heard(line, parts, digest), rate, about, marks if len(marks) > 1 else (),
              book.cover)
    if subtitles:
        words = list(report.words(reading.plan, line, parts, reading.language))
        write_subtitles(beside(out, subtitles), subtitles, words, line.size / rate)
    found = {"title": book.title, "author": book.author, **reading.record(tts),
             "seconds": round(line.size / rate, 3), "sha256": digest.hexdigest(),
             "chapters": [{"title": mark.title, "start": round(mark.start, 3)} for mark in marks],
             "doubts": list(report.doubtful(book, reading.plan, line, parts, reading.language,
                                            out)),
             "late": line.late,
             "skipped": [{"text": reading.plan.passages[place].text, "why": why}
                         for place, why in reading.plan.skipped.items()]}
    write_json(out.with_suffix(".json"), found)
    return found


def _heard(line: Timeline, parts: Parts, digest: Any) -> Iterator[Samples]:
    """The samples of a book, one segment after the other, counted into a hash as 16-bit numbers."""
    for heard in line.heard:
        samples = heard.samples(parts)
        digest.update(pcm(samples))
        yield samples
