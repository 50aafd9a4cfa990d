"""Headings and paragraphs as they follow one another, and the chapters that they make."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from valle.reading.book import Chapter


@dataclass(frozen=True)
class Block:
    """A paragraph, or a heading of level 1 to 6. anchors: the ids that links may lead to."""

    text: str
    level: int = 0
    anchors: tuple[str, ...] = ()


def by_headings(blocks: Sequence[Block], title: str) -> tuple[Chapter, ...]:
    """Chapters that begin at the highest level of which there are several headings, and above.

    title: of what stands before the first heading.
    """
    levels = [block.level for block in blocks if block.level]
    several = [level for level in levels if levels.count(level) > 1]
    lowest = min(several or levels, default=0)
    return chapters(((block, block.text if 0 < block.level <= lowest else None)
                     for block in blocks), title)


def chapters(blocks: Iterable[tuple[Block, str | None]], title: str) -> tuple[Chapter, ...]:
    """Chapters of blocks, each with the title of the chapter that begins with it, or None.

    title: of what stands before the first.
    """
    found: list[tuple[str, list[str]]] = [(title, [])]
    for block, begins in blocks:
        if begins is not None:
            found.append((" ".join(begins.split()), []))
        found[-1][1].append(block.text)
    return tuple(Chapter(name, tuple(texts)) for name, texts in found if texts)
