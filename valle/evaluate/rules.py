"""The rules by which protocols are made of corpora.

cross         VALL-E (section 5.1): targets of 4 to 10 s; the prompt is the first 3 s or so of
              another utterance of the speaker, three times
previous      VALL-E 2: the speaker's previous utterance, whole; nothing is drawn
continuation  VALL-E: the first 3 s of the utterance itself; the rest is spoken
vctk          VALL-E's VCTK protocol: prompts of 3, 5 and 10 s for each target
texts         given texts by category, each in several voices; nobody has recorded them
"""
from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import soundfile

from codec.audio import Samples, load_audio
from valle.data.corpora import Recording
from valle.data.loading import LONGEST_SECONDS
from valle.evaluate.protocols import SAMPLE_RATE, VERSION, Item, Protocol
from valle.evaluate.wer import pick_distractors
from valle.features.text import words

TARGET_SECONDS = (4.0, 10.0)  # of LibriSpeech, section 5.1 of VALL-E
PROMPT_SECONDS = 3.0
VCTK_PROMPTS = (3.0, 5.0, 10.0)
LEAST_REST = 1.5              # seconds that a continuation leaves to speak
SHORT = 0.6                   # seconds that a prompt may be shorter or longer than wanted
RULES = ("cross", "previous", "continuation", "vctk")  # and "texts", which needs no targets
PROMPTS_OF_SPEAKER = 3        # rule "texts": recordings of a speaker that take turns
WordTimes = Callable[[Samples, int, str], "list[float] | None"]


@dataclass
class Maker:
    """Makes items by a rule; the same for the same recordings and seed.

    Attributes:
        root: folder that the items' paths start from.
        word_times: ends of the words of a text in a recording, or None.
        count: targets of each group.
        seeds: prompts for each target (rules "cross" and "texts"), fewer where a speaker has fewer.
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
            raise ValueError(f"--rule {rule}: choose {', '.join(RULES)} or texts")
        items = [item for group, recordings in groups.items()
                 for item in self._of_group(group, rule, recordings)]
        return self._with_distractors(name, rule, items, others)

    def of_texts(self, name: str, texts: Sequence[tuple[str, str]],
                 recordings: Iterable[Recording], others: Iterable[str] = ()) -> Protocol:
        """(category, text) pairs, each by `seeds` of the speakers in turn; a group is a category.

        Raises:
            ValueError: no text, or no speaker with a recording to prompt with.
        """
        chance = random.Random(f"protocol-{VERSION}-{self.seed}-texts")
        prompts: list[list[tuple[Recording, tuple[float, str, str]]]] = []
        for recorded in by_speaker(recordings).values():
            cuts = ((r, cut) for r in chance.sample(recorded, len(recorded))
                    if (cut := self._cut(r, PROMPT_SECONDS)))
            if found := list(islice(cuts, PROMPTS_OF_SPEAKER)):
                prompts.append(found)
        if not prompts or not texts:
            raise ValueError("no text to speak, or no speaker with a recording of at least "
                             f"{PROMPT_SECONDS:g} s: give more --data or other --speakers")
        chance.shuffle(prompts)
        items = []
        for number, (category, text) in enumerate(texts):
            for turn in range(min(self.seeds, len(prompts))):
                round_, speaker = divmod(number * self.seeds + turn, len(prompts))
                voice = prompts[speaker]
                prompt, (end, first, _) = voice[round_ % len(voice)]
                target = f"{category.replace(' ', '-')}-{number:03d}"
                items.append(Item(f"{target}-{turn}", target, category, prompt.speaker,
                                  (self._relative(prompt),), first, text, round(end, 3)))
            if self.on_target is not None:
                self.on_target(1)
        return self._with_distractors(name, "texts", items, others)

    def _with_distractors(self, name: str, rule: str, items: Sequence[Item],
                          others: Iterable[str]) -> Protocol:
        said = [t for item in items for t in (item.text, item.prompt_text)]
        distractors = pick_distractors([*others, *self.seen], said, self.seed)
        return Protocol(name, rule, tuple(items), tuple(distractors), self.root)

    def _of_group(self, group: str, rule: str, recordings: Iterable[Recording]) -> list[Item]:
        chance = random.Random(f"protocol-{VERSION}-{self.seed}-{group}")
        voices = by_speaker(recordings)
        shuffled = {speaker: chance.sample(voices[speaker], len(voices[speaker]))
                    for speaker in sorted(voices)}
        order = [(turn, chance.random(), target) for targets in shuffled.values()
                 for turn, target in enumerate(targets)]  # one target of each speaker in turn
        items: list[Item] = []
        count = 0
        for _, _, target in sorted(order, key=lambda o: o[:2]):
            made = self._of_target(group, rule, target, voices[target.speaker], chance)
            if made:
                items += made
                count += 1
                if self.on_target is not None:
                    self.on_target(1)
            if count == self.count:
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
        item = partial(self._item, group, target)
        others = [r for r in voice
                  if r.id != target.id and _key(r.text or "") != _key(target.text or "")]
        if rule == "continuation":
            return self._continuation(item, target)
        if rule == "previous":
            return self._previous(item, target, others)
        chance.shuffle(others)
        return self._cross(item, others) if rule == "cross" else self._vctk(item, others)

    def _item(self, group: str, target: Recording, prompt: Sequence[Recording], prompt_text: str,
              prompt_end: float, suffix: str = "") -> Item:
        """An item that speaks the target's text."""
        name = f"{group}-{target.id.replace('/', '-')}"
        return Item(f"{name}{suffix}", name, group, target.speaker,
                    tuple(self._relative(p) for p in prompt), prompt_text, target.text or "",
                    round(prompt_end, 3), self._relative(target))

    def _cross(self, item: Callable[..., Item], others: Sequence[Recording]) -> list[Item]:
        """The first 3 s of other utterances."""
        cuts = ((other, cut) for other in others if (cut := self._cut(other, PROMPT_SECONDS)))
        return [item([other], first, end, f"-{number}")
                for number, (other, (end, first, _)) in enumerate(islice(cuts, self.seeds))]

    def _previous(self, item: Callable[..., Item], target: Recording, others: Sequence[Recording],
                  ) -> list[Item]:
        """The utterance before in the order of the corpus; the first takes the last."""
        before = [r for r in others if r.id < target.id] or others
        return [item(before[-1:], before[-1].text, 0.0)] if before else []

    def _continuation(self, item: Callable[..., Item], target: Recording) -> list[Item]:
        """The first 3 s of the target; the words after them are spoken."""
        cut = self._cut(target, PROMPT_SECONDS)
        if cut is None or seconds(target) - cut[0] < LEAST_REST:
            return []
        end, first, rest = cut
        return [dataclasses.replace(item([target], first, end), text=rest,
                                    truth_start=round(end, 3))]

    def _vctk(self, item: Callable[..., Item], others: Sequence[Recording]) -> list[Item]:
        """Prompts of 3, 5 and 10 s: whole utterances, the last cut at a word."""
        made = []
        for wanted in VCTK_PROMPTS:
            chosen: list[Recording] = []
            heard, said = 0.0, []
            for other in others:
                left = wanted - heard
                cut = self._cut(other, left) if seconds(other) > left else None
                chosen.append(other)
                heard += cut[0] if cut else seconds(other)
                said.append(cut[1] if cut else other.text or "")
                if cut or heard > wanted - SHORT:
                    break
            if heard < wanted - SHORT:
                return []
            made.append(item(chosen, " ".join(said), heard, f"-{wanted:g}s"))
        return made

    def _cut(self, recording: Recording, wanted: float) -> tuple[float, str, str] | None:
        """(seconds, text before, text after) at the word end nearest to `wanted` seconds.

        None where the recording is shorter, or its words cannot be found in it.
        """
        if not recording.text or seconds(recording) < wanted:
            return None
        samples = load_audio(recording.audio, SAMPLE_RATE, max_seconds=LONGEST_SECONDS)
        ends = self.word_times(samples, SAMPLE_RATE, recording.text)
        if not ends:
            return None
        nearest = min(range(len(ends)), key=lambda i: abs(ends[i] - wanted))
        if abs(ends[nearest] - wanted) > SHORT:
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
