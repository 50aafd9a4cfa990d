"""An EPUB for the tests of `valle read`."""
from __future__ import annotations

import zipfile
from fractions import Fraction
from pathlib import Path

CONTAINER = ('<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">'
             '<rootfiles><rootfile full-path="OEBPS/book.opf" '
             'media-type="application/oebps-package+xml"/></rootfiles></container>')
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>The Sea</dc:title>
<dc:creator>A. Sailor</dc:creator><dc:creator>B. Mate</dc:creator><dc:language>en</dc:language>
</metadata><manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="a" href="text/one%20a.xhtml" media-type="application/xhtml+xml"/>
<item id="b" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="c" href="text/notes.xhtml" media-type="application/xhtml+xml"/>
<item id="img" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>
</manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="c" linear="no"/></spine>
</package>"""
NAV = """<html xmlns:epub="http://www.idpf.org/2007/ops"><body><nav epub:type="toc"><ol>
<li><a href="text/one%20a.xhtml">One: the <i>harbour</i></a></li>
<li><a href="text/two.xhtml#second">Two</a></li></ol></nav>
<nav epub:type="page-list"><ol><li><a href="text/two.xhtml#p7">7</a></li></ol></nav></body></html>
"""
ONE = """<?xml version="1.0"?><html><head><title>x</title><style>p {}</style></head><body>
<h2>One</h2><p>The sea&nbsp;was
 calm.<a epub:type="noteref" href="#n">3</a></p><hr/><p>We went<br/>home.</p></body></html>"""
TWO = """<html><body><p>It was late.</p><section id="second"><h2>Two</h2>
<p><span id="p7" epub:type="pagebreak">7</span>My <b>old</b> house.</p></section>
<aside epub:type="footnote"><p>Never read.</p></aside></body></html>"""


def write_epub(path: Path, cover: bytes = b"", **files: str) -> Path:
    """An EPUB 3 of two pages. files: further ones of META-INF, by name."""
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("mimetype", "application/epub+zip")
        for name, text in {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": PACKAGE,
                           "OEBPS/nav.xhtml": NAV, "OEBPS/text/one a.xhtml": ONE,
                           "OEBPS/text/two.xhtml": TWO, "OEBPS/text/notes.xhtml": ONE}.items():
            out.writestr(name, text)
        out.writestr("OEBPS/cover.jpg", cover)
        for name, text in files.items():
            out.writestr(f"META-INF/{name}.xml", text)
    return path


def picture() -> bytes:
    """A JPEG of 16 by 24 pixels."""
    import av
    import numpy as np

    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = 16, 24, "yuvj420p"
    context.time_base = Fraction(1, 1)
    frame = av.VideoFrame.from_ndarray(np.full((24, 16, 3), 90, np.uint8), format="rgb24")
    packets = [*context.encode(frame.reformat(format="yuvj420p")), *context.encode(None)]
    return b"".join(map(bytes, packets))
