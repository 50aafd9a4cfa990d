"""The rules by which protocols are made of corpora.

cross         VALL-E (section 5.1): targets of 4 to 10 s; the prompt is the first 3 s or so of
              another utterance of the speaker, three times
previous      VALL-E 2: the speaker's previous utterance, whole; nothing is drawn
continuation  VALL-E: the first 3 s of the utterance itself; the rest is spoken
vctk          VALL-E's VCTK protocol: prompts of 3, 5 and 10 s for each target
"""
from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from codec.audio import load_audio
from valle.data.corpora import Recording
from valle.evaluate.protocols import SAMPLE_RATE, VERSION, Item, Protocol
from valle.evaluate.words import Samples, pick_distractors, words

TARGET_SECONDS = (4.0, 10.0)  # of LibriSpeech, section 5.1 of VALL-E
PROMPT_SECONDS = 3.0
VCTK_PROMPTS = (3.0, 5.0, 10.0)
LEAST_REST = 1.5              # seconds that a continuation leaves to speak
RULES = ("cross", "previous", "continuation", "vctk")
WordTimes = Callable[[Samples, int, str], "list[float] | None"]



@dataclass
class Maker:
    """Makes items by a rule; the same for the same recordings and seed.

    Attributes:
        root: folder that the items' paths start from.
        word_times: ends of the words of a text in a recording, or None.
        count: targets of each group.
        seeds: prompts for each target (rule "cross"), fewer where a speaker has fewer.
        seen: texts of training data; never a target.
        on_target: called with 1 for each target made.
    """

    root: Path
    word_times: WordTimes
    count: int = 40
    seeds: int = 3
    seen: Iterable[str] = ()
    seed: int = 0
    on_target: Callable[[int], object] | None = None

    def __post_init__(self) -> None:
        self._seen = {_key(text) for text in self.seen}

    def protocol(self, name: str, rule: str, groups: dict[str, Iterable[Recording]],
                 others: Iterable[str] = ()) -> Protocol:
        """Items of all groups; `others` are texts among which distractors are drawn.

        Raises:
            ValueError: unknown rule, or a group without usable speakers.
        """
        if rule not in RULES:
            raise ValueError(f"--rule {rule}: choose {', '.join(RULES)}")
        items = [item for group, recordings in groups.items()
                 for item in self._of_group(group, rule, recordings)]
        texts = [t for item in items for t in (item.text, item.prompt_text)]
        distractors = pick_distractors([*others, *self.seen], texts, self.seed)
        return Protocol(name, rule, tuple(items), tuple(distractors), self.root)

    def _of_group(self, group: str, rule: str, recordings: Iterable[Recording]) -> list[Item]:
        chance = random.Random(f"protocol-{VERSION}-{self.seed}-{group}")
        voices = by_speaker(recordings)
        queue = [(speaker, target) for speaker in sorted(voices)
                 for target in chance.sample(voices[speaker], len(voices[speaker]))]
        turn: dict[str, int] = {}
        order = []
        for speaker, target in queue:  # one target of each speaker in turn
            turn[speaker] = turn.get(speaker, 0) + 1
            order.append((turn[speaker], chance.random(), speaker, target))
        items: list[Item] = []
        targets = 0
        for _, _, speaker, target in sorted(order, key=lambda o: o[:2]):
            made = self._of_target(group, rule, target, voices[speaker], chance)
            if made:
                items += made
                targets += 1
                if self.on_target is not None:
                    self.on_target(1)
            if targets == self.count:
                break
        if not items:
            raise ValueError(f"{group} has no speaker with a recording of "
                             f"{TARGET_SECONDS[0]:g} to {TARGET_SECONDS[1]:g} s and another one to "
                             "prompt with: give more data or other --speakers")
        return items

    def _of_target(self, group: str, rule: str, target: Recording, voice: Sequence[Recording],
                   chance: random.Random) -> list[Item]:
        """Items of one target; none where it or its prompts are not usable."""
        low, high = TARGET_SECONDS
        if _key(target.text or "") in self._seen or not low <= seconds(target) <= high:
            return []
        name = f"{group}-{target.id.replace('/', '-')}"

        def item(suffix: str, prompt: Sequence[Recording], text: str, end: float) -> Item:
            return Item(f"{name}{suffix}", name, group, target.speaker,
                        tuple(self._relative(p) for p in prompt), text, target.text or "",
                        round(end, 3), self._relative(target))

        if rule == "continuation":
            cut = self._cut(target, PROMPT_SECONDS)
            if cut is None or seconds(target) - cut[0] < LEAST_REST:
                return []
            end, first, rest = cut
            return [Item(name, name, group, target.speaker, (self._relative(target),), first, rest,
                         round(end, 3), self._relative(target), round(end, 3))]
        others = [r for r in voice if r.id != target.id and _key(r.text or "") != _key(
            target.text or "")]
        if rule == "previous":  # in the order of the corpus; the first takes the last
            before = [r for r in others if r.id < target.id] or others
            return [item("", before[-1:], before[-1].text or "", 0.0)] if before else []
        chance.shuffle(others)
        if rule == "cross":
            made: list[Item] = []
            for other in others:
                if len(made) == self.seeds:
                    break
                cut = self._cut(other, PROMPT_SECONDS)
                if cut is not None:
                    made.append(item(f"-{len(made)}", [other], cut[1], cut[0]))
            return made
        return self._vctk(item, others)

    def _vctk(self, item: Callable[..., Item], others: Sequence[Recording]) -> list[Item]:
        """Prompts of 3, 5 and 10 s: whole utterances, the last cut at a word."""
        made = []
        for wanted in VCTK_PROMPTS:
            chosen: list[Recording] = []
            heard, said = 0.0, []
            for other in others:
                cut = self._cut(other, wanted - heard) if seconds(other) > wanted - heard else None
                chosen.append(other)
                heard += cut[0] if cut else seconds(other)
                said.append(cut[1] if cut else other.text or "")
                if cut or heard > wanted - 0.5:
                    break
            if heard < wanted - 0.5:
                return []
            made.append(item(f"-{wanted:g}s", chosen, " ".join(said), heard))
        return made

    def _cut(self, recording: Recording, wanted: float) -> tuple[float, str, str] | None:
        """(seconds, text before, text after) at the word end nearest to `wanted` seconds.

        None where the recording is shorter, or its words cannot be found in it.
        """
        if not recording.text or seconds(recording) < wanted:
            return None
        samples = load_audio(recording.audio, SAMPLE_RATE, max_seconds=float("inf"))
        ends = self.word_times(samples, SAMPLE_RATE, recording.text)
        if not ends:
            return None
        nearest = min(range(len(ends)), key=lambda i: abs(ends[i] - wanted))
        if abs(ends[nearest] - wanted) > 0.6:
            return None
        said = words(recording.text)
        return ends[nearest], " ".join(said[: nearest + 1]), " ".join(said[nearest + 1:])

    def _relative(self, recording: Recording) -> str:
        try:
            return recording.audio.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError as error:
            raise ValueError(f"{recording.audio} is not below {self.root}: --data must hold all "
                             "corpora") from error


def by_speaker(recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
    """Recordings with text of each speaker, in the order of their ids."""
    voices: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda r: r.id):
        if recording.text and not recording.problem and words(recording.text):
            voices.setdefault(recording.speaker, []).append(recording)
    return voices


def seconds(recording: Recording) -> float:
    """Length of the file, silence included."""
    return float(soundfile.info(str(recording.audio)).duration)


def _key(text: str) -> str:
    return " ".join(words(text))
