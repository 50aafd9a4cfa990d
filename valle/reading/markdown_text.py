"""Markdown: its headings and paragraphs; code is left out, and the text keeps its own markup."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from valle.features.optional import package
from valle.reading.blocks import Block, by_headings
from valle.reading.book import SCENE_BREAK, Book, text_of
from valle.reading.html_text import Page

_FRONT_MATTER = re.compile(r"---[^\S\n]*\n(.*?)\n(?:---|\.\.\.)[^\S\n]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"^(title|author|lang|language)[^\S\n]*:[^\S\n]*[\"']?(.+?)[\"']?[^\S\n]*$",
                    re.MULTILINE | re.IGNORECASE)


def read(path: Path) -> Book:
    """A Markdown file: title, author and language are those of its front matter.

    Raises:
        ImportError: markdown-it-py is missing.
        ValueError: it is not UTF-8.
    """
    text, fields = text_of(path), {}
    if front := _FRONT_MATTER.match(text):
        fields = {name.lower(): value for name, value in _FIELD.findall(front[1])}
        text = text[front.end():]
    markdown = package("markdown_it", f"{path}, a Markdown file,", "'valle[read]'")
    tokens = markdown.MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    blocks = list(blocks_of(tokens))
    first = next((" ".join(block.text.split()) for block in blocks if block.level == 1), path.stem)
    title = fields.get("title", first)
    return Book(title, fields.get("author", ""), fields.get("lang", fields.get("language", "")),
                by_headings(blocks, title))


def blocks_of(tokens: Iterable[Any]) -> Iterator[Block]:
    """The blocks of markdown-it's tokens; the cells of a row are one."""
    level = 0
    row: list[str] | None = None
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield Block(", ".join(cell for cell in row or () if cell))
            row = None
        elif token.type == "hr":
            yield Block(SCENE_BREAK)
        elif token.type == "html_block":
            yield from Page(token.content).blocks
        elif token.type == "inline":
            text = spoken(token.children)
            if row is not None:
                row.append(text)
            elif text:
                yield Block(text, level)
            level = 0


def spoken(children: Iterable[Any]) -> str:
    """The text of a paragraph; tags in it stay, as SSML stays in any text."""
    breaks = {"softbreak": "\n", "hardbreak": "\n"}
    return "".join(breaks.get(child.type, child.content) for child in children
                   if child.type != "image").strip()
