"""Books of every format as chapters, and what is refused in one line."""
from __future__ import annotations

from pathlib import Path

import pytest
from books import write_epub
from conftest import needs

from valle.reading.book import SCENE_BREAK, Book
from valle.reading.cast import NARRATOR, check_cast, lines, read_cast
from valle.reading.formats import read_book


def book_of(folder: Path, name: str, text: str) -> Book:
    (folder / name).write_text(text, encoding="utf-8")
    return read_book(folder / name)


def as_lists(book: Book) -> list[tuple[str, list[str]]]:
    return [(chapter.title, list(chapter.paragraphs)) for chapter in book.chapters]


def test_a_plain_text_has_chapters_where_it_says_so(tmp_path: Path) -> None:
    book = book_of(tmp_path, "boats.txt", (
        "A note.\n\nCHAPTER I. The Boat\n\nThe sea was\ncalm.\n\n* * *\n\nPart of it was lost.\n \n"
        "Chapter 2\n\nHome.\n").replace("\n", "\r\n"))
    assert as_lists(book) == [
        ("boats", ["A note."]),
        ("CHAPTER I. The Boat", ["CHAPTER I. The Boat", "The sea was\ncalm.", "* * *",
                                 "Part of it was lost."]),
        ("Chapter 2", ["Chapter 2", "Home."])]
    long = "word " * 40
    assert as_lists(book_of(tmp_path, "a.txt", f"{long}\n{long}\n")) == [("a", [long, long])]


@needs("markdown_it")
def test_markdown_is_read_without_code_and_keeps_what_g2p_reads(tmp_path: Path) -> None:
    book = book_of(tmp_path, "a.md", "---\ntitle: \"The Sea\"\nauthor: A. Sailor\n---\n# Boats\n\n"
                   "Hello\n*there*, [link](http://x.org) and ![alt](a.png)[[ˈniːʃ]] "
                   "[pause 1s].\n\n```\ncode\n```\n\n## One\n\n* a\n* b `c`\n\n---\n\n## Two\n\n"
                   "| x | y |\n|---|---|\n| 1 | 2 |\n\n[Anna] Come in!\n[Bob] No.\n")
    assert (book.title, book.author) == ("The Sea", "A. Sailor")
    assert as_lists(book) == [
        ("Boats", ["Boats", "Hello\nthere, link and [[ˈniːʃ]] [pause 1s]."]),
        ("One", ["One", "a", "b c", SCENE_BREAK]),
        ("Two", ["Two", "x, y", "1, 2", "[Anna] Come in!\n[Bob] No."])]


def test_a_page_is_read_without_what_nobody_reads_aloud(tmp_path: Path) -> None:
    book = book_of(tmp_path, "a.html", "<html lang=de><head><title>The\nSea</title>"
                   "<meta name=author content='A. Sailor'><script>if (a<b) {}</script></head>"
                   "<body><nav><a>Home</a></nav><h1>Sea &amp; land</h1><p>One<p>two, "
                   "<em>three</em>.<pre>x</pre><table><tr><th>a<td>b</table><ruby>字<rt>zi</rt></ruby></body>")
    assert (book.title, book.author, book.language) == ("The Sea", "A. Sailor", "de")
    assert as_lists(book) == [("Sea & land", ["Sea & land", "One", "two, three.", "a, b", "字"])]


def test_an_epub_has_the_chapters_of_its_contents(tmp_path: Path) -> None:
    book = read_book(write_epub(tmp_path / "a.epub", b"picture"))
    assert (book.title, book.author, book.language) == ("The Sea", "A. Sailor, B. Mate", "en")
    assert book.cover == b"picture"
    assert as_lists(book) == [
        ("One: the harbour", ["One", "The sea was calm.", SCENE_BREAK, "We went\nhome.",
                              "It was late."]),
        ("Two", ["Two", "My old house."])]


def encryption(algorithm: str, uri: str) -> str:
    return ('<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
            'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:EncryptionMethod '
            f'Algorithm="{algorithm}"/><e:CipherData><e:CipherReference URI="{uri}"/>'
            '</e:CipherData></e:EncryptedData></encryption>')


def test_drm_is_said_and_scrambled_fonts_are_none(tmp_path: Path) -> None:
    aes, page = "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/text/one%20a.xhtml"
    with pytest.raises(ValueError, match="is encrypted .DRM."):
        read_book(write_epub(tmp_path / "a.epub", encryption=encryption(aes, page)))
    fonts = encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf")
    assert read_book(write_epub(tmp_path / "b.epub", encryption=fonts)).chapters


def test_subtitles_are_cues_with_their_times(tmp_path: Path) -> None:
    book = book_of(tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,500 X1:0\n<i>The sea</i>\n"
                   "{\\an8}was calm.\n\n2\n00:00:02.500 --> 00:01:04,000\n1984\n\n\n3\n"
                   "01:00:00,000 --> 01:00:01,000\n♪\n")
    assert as_lists(book) == [("", ["The sea\nwas calm.", "1984"])]
    assert book.times == ((1.0, 2.5), (2.5, 64.0))


@pytest.mark.parametrize("name, text, message", [
    ("a.srt", "1\n00:00:01,000 --> 00:00:03,000\na\n\n2\n00:00:02,000 --> 00:00:04,000\nb\n",
     "a.srt, line 6: this cue begins at 2 s, before the one before it ends at 3 s"),
    ("a.srt", "1\n00:00:03,000 --> 00:00:01,000\na\n", "line 2: the cue ends before it begins"),
    ("a.srt", "1\n0:1 --> 0:2\na\n", "line 2: '0:1 --> 0:2' is no time of a cue"),
    ("a.srt", "Hello.\n", "holds no cue"),
    ("a.txt", "* * *\n", "holds no words"),
    ("a.pdf", "Hello.", "must end in .txt, .md, .html, .epub or .srt"),
    ("a.epub", "Hello.", "is no EPUB, or is damaged")])
def test_what_is_no_book_is_said(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as said:
        book_of(tmp_path, name, text)
    assert message in str(said.value) and "\n" not in str(said.value)


@pytest.mark.parametrize("data", [b"PK\x05\x06" + bytes(18), b"\xff\xfe\xfa", b"caf\xe9 au lait"])
def test_damaged_files_are_said(data: bytes, tmp_path: Path) -> None:
    for name in ("a.epub", "a.txt"):
        (tmp_path / name).write_bytes(data)
        if name == "a.txt" and data.startswith(b"PK"):
            continue
        with pytest.raises(ValueError, match="is no EPUB, or is damaged|not UTF-8"):
            read_book(tmp_path / name)


def test_lines_belong_to_the_names_before_them() -> None:
    assert lines("He said:\n[Anna]  Come in!\nNow.\n [old  Man] [pause 1s] No. [sic]") == [
        (NARRATOR, "He said:"), ("anna", "Come in!\nNow."), ("old man", "[pause 1s] No. [sic]")]
    assert lines("[pause 1s] Yes.") == [(NARRATOR, "[pause 1s] Yes.")]
    assert lines("[[ˈniːʃ]] cheese") == [(NARRATOR, "[[ˈniːʃ]] cheese")]
    assert lines("[Narrator] Yes.\n[Anna]\n") == [(NARRATOR, "Yes.")]


def test_a_cast_is_read_and_its_mistakes_are_said(tmp_path: Path) -> None:
    cast = tmp_path / "cast.txt"
    cast.write_text("# who\nAnna = clara\n[Old Man]=a b.safetensors\nPicture = Narrator\n")
    assert read_cast(cast) == {"anna": "clara", "old man": "a b.safetensors", "picture": NARRATOR}
    book = book_of(tmp_path, "a.txt", "[Anna] Hello.\n\n[Bob] Hi.\n[Eve] Ho.\n")
    with pytest.raises(ValueError, match=r"gives no voice to \[bob\], \[eve\]: add a line"):
        check_cast(book, read_cast(cast), cast)
    for text, message in (("Anna clara", "line 1: 'Anna clara' is not NAME = VOICE"),
                          ("Anna = a\nanna = b", "line 2: anna has a voice already"),
                          ("Narrator = a", "--voice is the narrator's voice")):
        cast.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_cast(cast)
