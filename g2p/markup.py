"""Line breaks, lists, headings and Markdown: pauses where a reader makes them."""
from __future__ import annotations

import html
import re
import warnings

from g2p.pauses import PAUSE

_TARGET = (r"\((?:<[^<>\n]{0,500}>|[^()\s]{1,500}(?:\([^()\s]{0,100}\)[^()\s]{0,100})?)"
           r"(?:\s\"[^\"\n]{0,100}\")?\)")
_IMAGE = re.compile(rf"!\[([^][\n]{{0,200}})\]{_TARGET}")
_LINK = re.compile(rf"\[([^][\n]{{1,200}})\](?:{_TARGET}|\[[^][\n]{{0,80}}\])")
# [name]: http://..., which links elsewhere in a text refer to, and [^1]: before a note.
_DEFINITION = re.compile(r"^ {0,3}\[[^][\n^]{1,80}\]:\s{1,5}<?\w{2,10}:\S{1,500}[^\n]{0,200}$|"
                         r"^ {0,3}\[\^\w{1,10}\]:\s", re.MULTILINE)
_NOTE = re.compile(r"(?<=[\w.,;:!?)\]\"'])\[(?:\d{1,3}|\^\w{1,10}|citation needed|note \d{1,2})\]")
_STRONG = re.compile(r"(?<![\w*])(\*{1,3})(?=\S)([^*\n]{1,300}?)(?<=\S)\1(?![\w*])|"
                     r"(?<!\w)(_{1,3})(?=\S)([^_\n]{1,300}?)(?<=\S)\3(?!\w)|"
                     r"~~(?=\S)([^~\n]{1,300}?)~~|`{1,3}([^`\n]{1,300})`{1,3}")
_HEADING = re.compile(r"\s*(?:#{1,6}\s+(?=\S)|={2,6}\s+(?=\S.{0,200}={2,6}\s*$))")
_BULLET = r"[-*+•◦▪‣·–—]\s+(?:\[[ xX]\]\s+)?"
_ITEM = re.compile(rf"\s*(?:{_BULLET}|(\(?(?:\d{{1,3}}|[a-zA-Z])[.)])\s+)(?=\S)")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>@]{1,300}[@.][^\s<>]{1,300})>")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_INLINE_CODE = re.compile(r"`{1,3}[^`\n]{1,300}`{1,3}")
_QUOTE = re.compile(r"\s*>+\s?")
_END = re.compile(r"[.!?:;,…。！？、：；—–-][\"'”’)\]*_]*$")
_STOP = re.compile(r"[.!?…。！？][\"'”’)\]*_]*$")
_SHORT_LINE, _SHORT_HEADING = 5, 8      # words


def plain(text: str) -> str:
    """A text without markup, in one line; a mark stands where a line break is a pause, and a comma
    where the text asks for one (pauses.py)."""
    text = PAUSE.sub(", ", text)
    if "<" in text:
        text = _AUTOLINK.sub(r" \1 ", text)
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if "[" in text:
        text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", _DEFINITION.sub("", text)))
        text = _NOTE.sub("", text)
    if "*" in text or "_" in text or "`" in text or "~~" in text:
        text = _STRONG.sub(lambda m: m[2] or m[4] or m[5] or m[6], text)
    lines = text.strip().splitlines()
    if len(lines) < 2:
        return _single(text.strip())
    return _join(lines)


def without_code(text: str) -> str:
    """A text without its fenced blocks of code, with a warning; what stands between backticks is
    text, whatever it looks like."""
    if "```" in text or "~~~" in text:
        text = _without_fences(text)
    if "`" in text and "<" in text:
        text = _INLINE_CODE.sub(
            lambda m: m[0].replace("<", "&lt;").replace(">", "&gt;"), text)
    return text


def _without_fences(text: str) -> str:
    """A fence opens with three marks or more, and closes with as many alone in a line. A text of
    nothing but code is read."""
    kept: list[str] = []
    fence, skipped = "", 0
    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line.rstrip())
        if fence:
            fence = "" if match and match[1].startswith(fence) and not match[2] else fence
        elif match:
            fence, skipped = match[1], skipped + 1
            kept.append("\n")
        else:
            kept.append(line)
    if not "".join(kept).strip():
        return text
    if skipped:
        warnings.warn(f"{skipped} block{'s' if skipped > 1 else ''} of code left out",
                      UserWarning, stacklevel=2)
    return "".join(kept)


def _single(line: str) -> str:
    heading = _HEADING.match(line)
    if heading:
        return line[heading.end():].rstrip(" #=")
    item = _ITEM.match(line)
    return line[item.end():] if item and not item[1] else _cells(line)


def _cells(line: str) -> str:
    """| a | b | -> a, b: a row of a table."""
    if line.count("|") < 2:
        return line
    return ", ".join(cell.strip() for cell in line.strip().strip("|").split("|") if cell.strip())


def _join(lines: list[str]) -> str:
    """Lines as one, by blocks between blank lines."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        line = _QUOTE.sub("", line) if line.lstrip().startswith(">") else line
        if not line.strip() or _is_rule(line):
            blocks.append([])
        elif _HEADING.match(line):
            blocks += [[line], []]
        else:
            blocks[-1].append(line)
    return " ".join(_ended(_block(block), ". ") for block in blocks if block).rstrip(" .") + (
        _last_mark(blocks))


def _is_rule(line: str) -> bool:
    """-----, * * *, |---|:--|, ```: a line that only separates."""
    marks = set(line) - {" ", "\t"}
    same = len(marks) == 1 and marks <= set("-=*_~#") and line.count(min(marks)) > 2
    return same or ("-" in marks and marks <= set("|:-")) or line.lstrip().startswith("```")


def _last_mark(blocks: list[list[str]]) -> str:
    """The point a text ends with, if its last line has one."""
    last = next((block for block in reversed(blocks) if block), [""])[-1].rstrip()
    return "." if last.endswith((".", "…")) else ""


def _ended(text: str, mark: str) -> str:
    return text if _END.search(text) else text + mark.rstrip()


def _block(lines: list[str]) -> str:
    """The lines of one block: a list, a heading with its text, or prose broken to a width."""
    texts, items = [], []
    for line in lines:
        item = _ITEM.match(line)
        items.append(item is not None)
        number = re.sub(r"[()](?<!\w\))|(?<=\d)[).]", "", item[1]) if item and item[1] else ""
        number += ". " if number[:1].isdigit() else " " if number else ""
        texts.append(_single(line.strip()) if not item else number + line[item.end():].strip())
    short = all(len(text.split()) <= _SHORT_LINE for text in texts) and not any(
        _END.search(text) for text in texts[:-1] or texts) and (
        len(texts) > 2 or not _END.search(texts[-1]))
    capitals = all(text[:1].isupper() or text[:1].isdigit() for text in texts)
    listed = short and (capitals or len(lines) > 2)
    spoken = texts[0]
    for i in range(1, len(texts)):
        spoken += _between(texts[i - 1], texts[i], (items[i - 1], items[i]), listed, i == 1)
        spoken += texts[i]
    return spoken


def _between(line: str, following: str, items: tuple[bool, bool], listed: bool,
             first: bool) -> str:
    """What stands for a line break: nothing, a comma or a point."""
    if _END.search(line):
        return " "
    if items[1]:
        return ", " if items[0] else ": "
    if items[0]:
        return " " if following[:1].islower() else ". "
    if listed:
        return ", "
    if following[:1].islower() or len(line.split()) > _SHORT_HEADING or not first:
        return " "
    return ". " if len(following.split()) > 1 and following[:1].isupper() else " "
