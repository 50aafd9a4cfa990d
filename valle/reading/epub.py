"""EPUB 2 and 3: a zip of XHTML pages, their order, and a table of contents."""
from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from valle.reading.blocks import Block, by_headings, chapters
from valle.reading.book import LARGEST, Book, decoded
from valle.reading.html_text import Page

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
DC = "{http://purl.org/dc/elements/1.1/}"
FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")  # may be scrambled
PICTURES = ("image/jpeg", "image/png")


def read(path: Path) -> Book:
    """Title, author, language, cover and chapters of an EPUB.

    Raises:
        ValueError: it is damaged, something else, or its text is encrypted (DRM).
    """
    try:
        with zipfile.ZipFile(path) as file:
            return _Package(file, path).book()
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, KeyError, RuntimeError,
            NotImplementedError, EOFError) as error:
        raise ValueError(f"{path} is no EPUB, or is damaged ({str(error)[:80]}): copy it "
                         "again") from error


class _Package:
    """An open EPUB: its package document, and the files that it lists."""

    def __init__(self, file: zipfile.ZipFile, path: Path) -> None:
        self.file, self.path = file, path
        container = ElementTree.fromstring(self.data(CONTAINER))
        root = container.find(".//{*}rootfile")
        self.name = "" if root is None else root.get("full-path", "")
        self.root = ElementTree.fromstring(self.data(self.name))
        self.items = {item.attrib["id"]: item for item in self.root.iterfind("{*}manifest/{*}item")}

    def data(self, name: str) -> bytes:
        """A file of the archive; KeyError where there is none."""
        if self.file.getinfo(name).file_size > LARGEST:
            raise ValueError(f"{name} in {self.path} is over {LARGEST >> 20} MiB long")
        return self.file.read(name)

    def place(self, href: str, base: str) -> str:
        """The name in the archive of what a file there links to."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(href)))

    def book(self) -> Book:
        spine = [self.items[item.attrib["idref"]]
                 for item in self.root.iterfind("{*}spine/{*}itemref")
                 if item.get("linear") != "no" and item.attrib["idref"] in self.items]
        pages = [self.place(item.attrib["href"], self.name) for item in spine
                 if "html" in item.get("media-type", "")
                 and "nav" not in item.get("properties", "").split()]
        self.check_open(pages)
        title = self.stated("title") or self.path.stem
        contents = dict(self.contents())
        blocks = [(page, number, block) for page in pages for number, block in enumerate(
            Page(decoded(self.data(page), f"{page} in {self.path}")).blocks)]
        found = chapters(((block, _begins(page, number, block, contents))
                          for page, number, block in blocks), title)
        if len(found) < 2:  # a table of contents that says nothing
            found = by_headings([block for _, _, block in blocks], title)
        return Book(title, self.stated("creator"), self.stated("language"), found, self.cover())

    def check_open(self, pages: list[str]) -> None:
        """ValueError where one of the pages is encrypted."""
        if ENCRYPTION not in self.file.namelist():
            return
        for one in ElementTree.fromstring(self.data(ENCRYPTION)).iter():
            method = one.find("{*}EncryptionMethod")
            if method is None or method.get("Algorithm") in FONTS:
                continue
            for reference in one.iterfind(".//{*}CipherReference"):
                if posixpath.normpath(unquote(reference.get("URI", ""))) in pages:
                    raise ValueError(f"{self.path} is encrypted (DRM), and only the programs that "
                                     "its seller names can open it: get the book without DRM")

    def stated(self, name: str) -> str:
        """One of the Dublin Core elements, several as a list; "" where there is none."""
        found = [" ".join("".join(one.itertext()).split()) for one in self.root.iter(DC + name)]
        return ", ".join(found if name == "creator" else found[:1])

    def cover(self) -> bytes:
        """The picture of the cover as a file, b"" where there is none that players know."""
        named = [meta.get("content", "") for meta in self.root.iterfind("{*}metadata/{*}meta")
                 if meta.get("name") == "cover"]
        for key, item in self.items.items():
            if ((key in named or "cover-image" in item.get("properties", "").split())
                    and item.get("media-type") in PICTURES):
                return self.data(self.place(item.attrib["href"], self.name))
        return b""

    def contents(self) -> Iterator[tuple[str, str]]:
        """(file#anchor or file, title) of the table of contents."""
        for item in self.items.values():
            name = self.place(item.attrib["href"], self.name)
            if "nav" in item.get("properties", "").split():
                links = _Links(decoded(self.data(name), name)).found
            elif item.get("media-type") == "application/x-dtbncx+xml":
                links = [("".join(label.itertext()), content.get("src", ""))
                         for point in ElementTree.fromstring(self.data(name)).iter()
                         if (label := point.find("{*}navLabel")) is not None
                         and (content := point.find("{*}content")) is not None]
            else:
                continue
            for title, href in links:
                page, mark, anchor = href.partition("#")
                if title.strip():
                    yield self.place(page, name) + mark + anchor, " ".join(title.split())


def _begins(page: str, number: int, block: Block, contents: dict[str, str]) -> str | None:
    """The title of the chapter that begins with a block, if one does."""
    keys = [f"{page}#{anchor}" for anchor in block.anchors]
    return next((contents[key] for key in ([page] if number == 0 else []) + keys
                 if key in contents), None)


class _Links(HTMLParser):
    """The links of an EPUB 3 table of contents; those of its lists of pages and landmarks not."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self._within = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "nav":
            self._within = "toc" in (given.get("epub:type") or "").split()
        elif tag == "a" and self._within:
            self._href = given.get("href")
            self.found += [("", self._href)] if self._href else []

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = None
        elif tag == "nav":
            self._within = False

    def handle_data(self, data: str) -> None:
        if self._href:
            self.found[-1] = (self.found[-1][0] + data, self._href)
