"""Which recordings are scored: of speakers that training has not heard, seeded."""
from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from valle.data.clips import Clip
from valle.data.manifest import Utterance
from valle.features.text import words


def with_words(utterances: Sequence[Utterance], seconds: tuple[float, float] = (0, float("inf")),
               ) -> list[Utterance]:
    """Utterances whose text has words, and whose length is within bounds in seconds."""
    least, most = seconds
    return [u for u in utterances if u.text and words(u.text) and least <= u.seconds <= most]


def in_turn(utterances: list[Utterance], count: int, seed: int) -> list[Utterance]:
    """`count` utterances, taking one of each speaker in turn; seeded."""
    chance = random.Random(seed)
    queues: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda u: u.id):
        queues.setdefault(utterance.speaker, []).append(utterance)
    for queue in queues.values():
        chance.shuffle(queue)
    speakers = sorted(queues)
    chance.shuffle(speakers)
    chosen: list[Utterance] = []
    while len(chosen) < count and any(queues.values()):
        for speaker in speakers:
            if queues[speaker] and len(chosen) < count:
                chosen.append(queues[speaker].pop())
    return chosen


def with_prompts(utterances: Sequence[Utterance], count: int, seed: int,
                 ) -> list[tuple[Utterance, Utterance]]:
    """At most `count` (utterance, another of the same speaker to be the prompt).

    Raises:
        ValueError: no speaker has two.
    """
    chance = random.Random(seed)
    speakers: dict[str, list[Utterance]] = {}
    for utterance in sorted(utterances, key=lambda u: u.id):
        speakers.setdefault(utterance.speaker, []).append(utterance)
    pairs: list[tuple[Utterance, Utterance]] = []
    for mine in speakers.values():
        chance.shuffle(mine)
        pairs += pairwise(mine)
    if not pairs:
        raise ValueError("no speaker has two recordings with text, one of them to be the prompt: "
                         "check --prepared and --held-out")
    return pairs[:: -(-len(pairs) // count)]


def of_each_corpus(clips: Sequence[Clip], count: int, seed: int) -> list[Clip]:
    """At most `count` clips of each corpus.

    Raises:
        ValueError: no clips.
    """
    chosen: list[Clip] = []
    for corpus in dict.fromkeys(clip.corpus for clip in clips):
        mine = sorted((c for c in clips if c.corpus == corpus), key=lambda c: c.id)
        chosen += random.Random(seed).sample(mine, min(count, len(mine)))
    if not chosen:
        raise ValueError("no clips with text of these speakers: check --data and --held-out")
    return chosen
