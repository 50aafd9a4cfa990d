"""Sentences that novels lack: repeated words, numbers, letters, single words, alliteration.

A model that has only read prose loses count in them. All are drawn from the words of the corpora;
none is taken from the evaluation's hard texts (recipes/protocols/hard.txt).
"""
from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from string import ascii_uppercase

from g2p import normalize

RARE = 3  # a word said less often in the corpora is not drawn


def drills(texts: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """`count` different drills out of the words and short sentences of texts."""
    return Drills(texts, random.Random(seed)).draw(count)


class Drills:
    """Draws sentences of each kind in turn."""

    def __init__(self, texts: Sequence[str], rng: random.Random) -> None:
        said = Counter(re.findall(r"[a-z]+(?:'[a-z]+)?", " ".join(texts).lower()))
        self.rng = rng
        self.words = sorted(word for word, n in said.items() if n >= RARE and len(word) > 1)
        self.weights = [said[word] ** .5 for word in self.words]
        self.short = [text.rstrip(" .,;:!?") for text in texts if 2 <= len(text.split()) <= 7]
        self.long = [re.sub(r"[,;:.!?]", "", text) for text in texts
                     if 10 <= len(text.split()) <= 16]
        self.alike: dict[str, list[str]] = defaultdict(list)
        for word in self.words:
            self.alike[word[:2]].append(word)
        self.onsets = sorted(onset for onset, words in self.alike.items() if len(words) >= 12)

    def draw(self, count: int) -> list[str]:
        """`count` different sentences, as many of each kind."""
        kinds = (self.repeat, self.phrase, self.number, self.letters, self.word, self.alliteration,
                 self.run_on)
        found: dict[str, None] = {}
        while len(found) < count:
            text = kinds[len(found) % len(kinds)]()
            found[text[0].upper() + text[1:] + self.rng.choice("....!?")] = None
        return list(found)

    def pick(self, count: int = 1) -> list[str]:
        return self.rng.choices(self.words, self.weights, k=count)

    def mark(self) -> str:
        """What stands between things said again."""
        return self.rng.choice((" ", ", ", ", ", " and "))

    def repeat(self) -> str:
        """"late, late, late, he never came"."""
        again = self.mark().join(self.pick() * self.rng.randint(2, 8))
        return self.rng.choice((again, f"{again}, {self.rng.choice(self.short)}",
                                f"{self.rng.choice(self.short)}, {again}"))

    def phrase(self) -> str:
        """"red lorry yellow lorry, red lorry yellow lorry"."""
        words = self.pick(self.rng.randint(2, 3))
        if self.rng.random() < .3:
            words.append(words[0])
        return self.mark().join([" ".join(words)] * self.rng.randint(2, 4))

    def number(self) -> str:
        """Digits one by one, counts, years, money and times, written out."""
        r = self.rng
        digits = "".join(str(r.randint(0, 9)) for _ in range(r.randint(3, 7)))
        drawn = r.choice((" ".join(digits), f"{digits[:3]} {digits[3:]}".strip(),
                          f"{r.randint(1, 99999):,}", f"${r.randint(1, 999)}.{r.randint(10, 99)}",
                          f"{r.randint(1, 12)}:{r.randint(10, 59)}", f"in {r.randint(1100, 2030)}",
                          ", ".join(str(r.randint(1, 99)) for _ in range(r.randint(2, 7)))))
        return normalize(r.choice((drawn, f"{r.choice(self.short)}, {drawn}"))).rstrip(".")

    def letters(self) -> str:
        """"X Y Z, X Y Z"."""
        groups = [" ".join(self.rng.choices(ascii_uppercase, k=self.rng.randint(1, 5)))
                  for _ in range(self.rng.randint(1, 4))]
        if self.rng.random() < .3:
            groups = groups[:1] * self.rng.randint(2, 3)
        spelled = ", ".join(groups)
        return self.rng.choice((spelled, f"{self.rng.choice(self.short)}, {spelled}",
                                f"the {spelled} and the {self.rng.choice(ascii_uppercase)}"))

    def word(self) -> str:
        return self.rng.choice(self.words)

    def alliteration(self) -> str:
        """Words that begin alike."""
        words = self.rng.choices(self.alike[self.rng.choice(self.onsets)], k=self.rng.randint(4, 9))
        return " ".join(words)

    def run_on(self) -> str:
        """Two sentences without a pause."""
        return " and ".join(self.rng.sample(self.long, 2))
