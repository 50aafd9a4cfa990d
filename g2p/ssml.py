"""SSML in a text: <say-as>, <phoneme>, <sub>, <lang>, <prosody>, <emphasis>, around HTML and plain
words. What they ask for is done here; what stays are words, [[phones]] and pauses, in stretches.

W3C, Speech Synthesis Markup Language 1.1.
"""
from __future__ import annotations

import html
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from g2p.ahead import in_language
from g2p.given import EXACT, written
from g2p.markup import without_code
from g2p.pauses import PAUSE, pauses
from g2p.prosody import PLAIN, Prosody, emphasis, prosody
from g2p.say_as import base, say_as
from g2p.tags import SPEECH, Tag, tokens

DEEPEST = 20  # elements within one another


@dataclass(frozen=True)
class Span:
    """A stretch of a text that is spoken in one way."""

    text: str
    prosody: Prosody = PLAIN


@dataclass
class _Element:
    """An element that is not closed yet: its tag, how its inside is spoken, and what is in it."""

    tag: Tag | None
    language: str
    prosody: Prosody = PLAIN
    spans: list[Span] = field(default_factory=list)


def spans(text: str, language: str) -> list[Span]:
    """A text without SSML and HTML, in the stretches that are spoken in one way each.

    Raises:
        ValueError: a tag that is unknown, wrong, not closed, or closes nothing.
    """
    text = without_code(text)
    if "<" not in text:
        return [Span(text)]
    open_ = [_Element(None, language)]
    for token in tokens(text):
        inner = open_[-1]
        if isinstance(token, str):
            inner.spans.append(Span(token, inner.prosody))
        elif token.name == "break":
            pauses(token.text)  # says what is wrong with it
            inner.spans.append(Span("" if token.closes else token.text, inner.prosody))
        elif not token.closes:
            _check(token)
            element = _Element(token, token.attributes.get("xml:lang", inner.language),
                               _prosody(token).within(inner.prosody))
            if len(open_) > DEEPEST:
                raise ValueError(f"more than {DEEPEST} tags are within one another: close them")
            open_ += [] if token.empty else [element]
        else:
            opening = _opening(token, inner)
            open_.pop()
            open_[-1].spans += _said(inner, opening, open_[-1].language)
    if open_[-1].tag:
        raise _unclosed(open_[-1].tag)
    return joined(open_[0].spans)


def without_markup(text: str, language: str) -> str:
    """The words, [[phones]] and pauses of a text, however they are spoken."""
    return "".join(span.text for span in spans(text, language))


def shown(text: str) -> str:
    """A text as its readers see it: without tags and pauses, whatever is said in their place."""
    return PAUSE.sub(" ", "".join(token if isinstance(token, str) else " " * (token.name == "break")
                                  for token in tokens(without_code(text))))


def joined(found: Iterable[Span]) -> list[Span]:
    """The same spans, neighbours that are spoken alike as one."""
    whole: list[Span] = []
    for span in found:
        if whole and whole[-1].prosody == span.prosody:
            whole[-1] = Span(whole[-1].text + span.text, span.prosody)
        elif span.text:
            whole.append(span)
    return whole or [Span("")]


def _prosody(tag: Tag) -> Prosody:
    if tag.name == "prosody":
        return prosody(tag.attributes)
    return emphasis(tag.attributes) if tag.name == "emphasis" else PLAIN


def _said(element: _Element, tag: Tag, language: str) -> list[Span]:
    """What is spoken for an element that is whole, within words of a language."""
    within = html.unescape("".join(span.text for span in element.spans))
    if tag.name == "say-as":
        return [Span(say_as(within, tag.attributes, element.language), element.prosody)]
    if tag.name == "phoneme":
        return [Span(f" [[{EXACT}{written(tag.attributes['ph'])}]] ", element.prosody)]
    if tag.name == "sub":
        return [Span(tag.attributes["alias"], element.prosody)]
    if base(element.language) == base(language):
        return element.spans
    return [Span(in_language(span.text, element.language), span.prosody)
            for span in element.spans]


_NEEDED: dict[str, Sequence[str]] = {"say-as": ("interpret-as",), "phoneme": ("ph",),
                                     "lang": ("xml:lang",)}
_ALPHABETS = ("ipa", "")


def _check(tag: Tag) -> None:
    """ValueError when an opening tag lacks what it must say; a warning where it says too much."""
    for name in _NEEDED.get(tag.name, ()):
        if not tag.attributes.get(name, "").strip():
            raise ValueError(f"{tag.text[:60]} must say {name}=\"...\"")
    allowed = SPEECH[tag.name]
    if "*" not in allowed:
        for name in tag.attributes:
            if name not in allowed:
                raise ValueError(f"<{tag.name} {name}=...> is unknown: use {', '.join(allowed)}")
    if tag.attributes.get("alphabet", "").lower() not in _ALPHABETS:
        raise ValueError(f"{tag.text[:60]}: give the phones in IPA")
    if tag.name == "voice":
        warnings.warn("<voice> has no effect: all is spoken in the voice of the prompt",
                      UserWarning, stacklevel=2)


def _opening(tag: Tag, inner: _Element) -> Tag:
    """The tag that this one closes."""
    if inner.tag is None:
        raise ValueError(f"{tag.text} closes nothing: there is no <{tag.name}> before it")
    if inner.tag.name != tag.name:
        raise _unclosed(inner.tag, tag)
    return inner.tag


def _unclosed(tag: Tag, before: Tag | None = None) -> ValueError:
    where = f" before {before.text}" if before else ""
    return ValueError(f"{tag.text[:60]} is not closed{where}: write </{tag.name}> where it ends")
