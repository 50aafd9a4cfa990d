"""HTML and the XHTML of EPUBs: headings and paragraphs, without what nobody reads aloud."""
from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from valle.reading.blocks import Block, by_headings
from valle.reading.book import SCENE_BREAK, Book, text_of

SKIPPED = {"script", "style", "nav", "template", "svg", "math", "pre", "form", "button", "select",
           "noscript", "iframe", "audio", "video", "object", "textarea", "rt", "rp"}
FOOTNOTES = {"noteref", "footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes",
             "pagebreak"}  # of epub:type
BLOCKS = {"p", "div", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "section", "article",
          "aside", "blockquote", "header", "footer", "main", "body", "figure", "figcaption",
          "caption", "center", "address", "h1", "h2", "h3", "h4", "h5", "h6"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
        "track", "wbr"}


def read(path: Path) -> Book:
    """A page: title, author and language are those it states."""
    page = Page(text_of(path))
    title = page.title or path.stem
    return Book(title, page.author, page.language, by_headings(page.blocks, title))


class Page(HTMLParser):
    """What a page says of itself, and its blocks."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.author, self.language = "", "", ""
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._anchors: list[str] = []
        self._level, self._titled = 0, False
        self._skipped: list[str] = []  # open elements of which nothing is read, the outermost first
        self.feed(text)
        self.close()
        self._end()
        self.title = " ".join(self.title.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._skipped:
            if tag == self._skipped[0]:
                self._skipped.append(tag)
            return
        if tag in BLOCKS:
            self._end()
        self._anchors += [given[name] for name in ("id", "name") if given.get(name)]
        if tag in SKIPPED or FOOTNOTES & set(given.get("epub:type", "").split()):
            self._skipped += [] if tag in VOID else [tag]
        elif tag == "html":
            self.language = given.get("lang") or given.get("xml:lang", "")
        elif tag == "meta" and given.get("name", "").lower() == "author":
            self.author = given.get("content", "").strip()
        elif tag == "title":
            self._titled = not self.title
        elif tag == "br":
            self._text.append("\n")
        elif tag == "hr":
            self._end()
            self.blocks.append(Block(SCENE_BREAK))
        elif tag in ("td", "th") and "".join(self._text).strip():
            self._text.append(", ")
        elif re.fullmatch("h[1-6]", tag):
            self._level = int(tag[1])

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag == self._skipped[0]:
                self._skipped.pop()
        elif tag == "title":
            self._titled = False
        elif tag in BLOCKS:
            self._end()

    def handle_data(self, data: str) -> None:
        if self._titled:
            self.title += data
        elif not self._skipped:
            self._text.append(re.sub(r"\s+", " ", data))

    def _end(self) -> None:
        """What was gathered is a block."""
        text = re.sub(r" *\n *", "\n", re.sub(" +", " ", "".join(self._text))).strip()
        if text:
            self.blocks.append(Block(text, self._level, tuple(self._anchors)))
            self._anchors = []
        self._text, self._level = [], 0
