"""Tags in a text: which are SSML, which HTML, and what only looks like one.

    <break time="1s"/>, <prosody rate="slow">   SSML: read by ssml.py, and wrong ones are errors
    <b>, <br>, <li>                             HTML: as forgiving as a browser
    <laugh>, <foo>...</foo>, <x:y/>             tags that nobody here knows: errors
    List<int>, x<y>z, a < b, <Enter>, <3        text
"""
from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

# Attributes of each tag that is spoken by; "*" takes any.
SPEECH: dict[str, tuple[str, ...]] = {
    "break": ("time", "strength"), "emphasis": ("level",), "lang": ("xml:lang", "onlangfailure"),
    "p": ("*",), "phoneme": ("ph", "alphabet"), "prosody": ("rate", "volume", "pitch", "range",
                                                            "contour", "duration"),
    "s": ("*",), "say-as": ("interpret-as", "format", "detail"), "speak": ("*",),
    "sub": ("alias",), "voice": ("*",)}
_HTML_NAMES = """a abbr acronym address area article aside b base bdi bdo big blockquote body br
button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div
dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head
header hgroup hr html i iframe img input ins kbd label legend li link main map mark menu meta meter
nav nobr noscript object ol optgroup option output p param picture pre progress q rp rt ruby s samp
script search section select small source span strike strong style sub summary sup svg table tbody
td template textarea tfoot th thead time title tr track tt u ul var video wbr"""
_BLOCK_NAMES = """article blockquote br dd div dl dt figcaption footer header hr li main nav ol pre
section table td th title tr ul"""
HTML, _BLOCKS = frozenset(_HTML_NAMES.split()), frozenset(_BLOCK_NAMES.split())
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_VALUE = r"(?:\"[^\"<>]{0,9999}\"|'[^'<>]{0,9999}'|[^\s\"'<>=`]{1,500})"
_ATTRIBUTE = rf"([\w:.-]{{1,40}})\s{{0,5}}=\s{{0,5}}({_VALUE})"
# Without any value only HTML's own: <b and c> and <the name> are no tags.
_SWITCH = "checked|controls|disabled|hidden|open|required|reversed|selected"
_TAG = re.compile(rf"<(/?)([a-zA-Z][\w:.-]{{0,40}})((?:(?=[^<>]{{0,300}}=)(?:\s{{1,20}}(?:"
                  rf"{_ATTRIBUTE}|[\w:.-]{{1,40}})){{1,20}}|(?:\s(?:{_SWITCH})){{1,5}})?)"
                  r"\s{0,20}(/?)>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_DROPPED = re.compile(r"<(script|style)\b[^<>]{0,300}>[^<]{0,10000}</\1>|<!--.{0,2000}?-->|"
                      r"<[?!][a-zA-Z][^<>]{0,300}>", re.IGNORECASE | re.DOTALL)
_NAMES = "|".join(name for name in SPEECH if name not in HTML)
_UNFINISHED = re.compile(rf"</?(?:{_NAMES})(?=[\s/]|$)[^<>\n]{{0,40}}", re.IGNORECASE)
# Where a sentence ends that <s> marks: a block of its own, but no new paragraph.
SENTENCE_BREAK = "\u2028\u2028"


@dataclass(frozen=True)
class Tag:
    """<name ...>, </name> or <name .../>: name and attributes in small letters."""

    text: str
    name: str
    attributes: dict[str, str]
    closes: bool
    empty: bool


def tokens(text: str) -> Iterator[str | Tag]:
    """The text between tags, HTML's as the line breaks that they make, and the tags of SSML.

    Raises:
        ValueError: a tag that nobody here knows, or one of SSML that is not finished.
    """
    text = _DROPPED.sub(" ", text)
    found = list(_TAG.finditer(text))
    closed = {match[2].lower() for match in found if match[1]}
    sentences = any(match[2].lower() == "speak" for match in found)
    alias = any(match[2].lower() == "sub" and "alias" in match[3] for match in found)
    place, between = 0, ""
    for match in found:
        between += _unmarked(text[place: match.start()])
        place = match.end()
        name = match[2].lower()
        tag = Tag(match[0], name, _attributes(match[3]), bool(match[1]), bool(match[6]))
        # <sub alias="..."> is SSML, <sub> is HTML; what closes it is either's.
        replaced = name == "sub" and ("alias" in tag.attributes or (tag.closes and alias))
        if replaced or (name in SPEECH and name not in HTML):
            yield between
            yield tag
            between = ""
        elif _is_text(match, name in closed):
            between += match[0]
        elif name in HTML:
            between += SENTENCE_BREAK if name == "s" and sentences else _line_break(tag)
        else:
            raise ValueError(f"{match[0][:60]} is no tag that is known here: use {known()}; a "
                             "bracket that is to be read is written &lt;")
    yield between + _unmarked(text[place:])


def known() -> str:
    """The names of the tags that are spoken by."""
    return ", ".join(f"<{name}>" for name in SPEECH) + " or HTML"


def is_whole(text: str) -> bool:
    """Is every tag of SSML in it closed again, that has to be?"""
    if "<" not in text:
        return True
    opened = Counter(match[2].lower() for match in _TAG.finditer(text)
                     if not match[1] and not match[6])
    closed = Counter(match[2].lower() for match in _TAG.finditer(text) if match[1])
    return all(closed[name] >= opened[name] for name in SPEECH
               if name not in HTML and name != "break")


def _unmarked(text: str) -> str:
    if "<" in text and (wrong := _UNFINISHED.search(text)):
        raise ValueError(f"{wrong[0]!r} is no whole tag: close its quotes, and end it with >")
    return text


def _attributes(written: str) -> dict[str, str]:
    return {name.lower(): html.unescape(value.strip("\"'"))
            for name, value in _ATTRIBUTES.findall(written or "")}


def _is_text(match: re.Match[str], closed: bool) -> bool:
    """Is it a comparison (x<y>z), a type of a program (List<int>), or a key (<Enter>)?"""
    name = match[2]
    if closed or match[1] or match[3] or match[6]:
        return False
    glued = match.string[max(0, match.start() - 1): match.start()]
    glued_to_word = glued.isalnum() or glued == "_"
    if name.lower() in HTML:
        return glued_to_word and len(name) == 1 and name.lower() != "p"
    return glued_to_word or name[0].isupper() or len(name) == 1


def _line_break(tag: Tag) -> str:
    """What a tag of HTML is to a reader: a line of its own, an item, a heading, a paragraph."""
    if tag.name == "li":
        return "" if tag.closes else "\n* "
    if tag.name == "p" or tag.name in _HEADINGS:
        return "\n\n# " if tag.name != "p" and not tag.closes else "\n\n"
    return "\n" if tag.name in _BLOCKS else " " if tag.empty else ""
