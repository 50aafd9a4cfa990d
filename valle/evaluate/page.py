"""One HTML page with tables, plots and audio inside: open it from disk, send it by mail."""
from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from codec.audio import Samples
from valle.evaluate.panel import DISTILLMOS, OVRL
from valle.evaluate.report import Report
from valle.evaluate.rows import Row
from valle.evaluate.speaking import SAMPLE_RATE
from valle.evaluate.wer import comparable, word_errors
from valle.features.text import words

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-size:13px;display:block;overflow-x:auto}
td,th{border-bottom:1px solid #ddd;padding:.25rem .6rem;text-align:right;white-space:nowrap}
td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}
section{border-top:1px solid #ccc;padding:1rem 0}audio{height:2rem;width:17rem}
.take{display:grid;grid-template-columns:9rem 18rem 1fr;gap:.8rem;align-items:center}
.delete{color:#b00;text-decoration:line-through}.insert,.substitute{color:#06c}
small{color:#666}.failure{background:#fdd;border-radius:4px;padding:0 .4rem}
@media(max-width:50rem){.take{grid-template-columns:1fr}}
"""


def page(report: Report, sounds: Mapping[tuple[str, str], Samples], prompts: Mapping[str, str],
         plots: Sequence[Path]) -> str:
    """The report as HTML.

    Args:
        sounds: samples [N] at 24 kHz by (item, version); "prompt" is a version too. Items whose
            prompt is here are shown.
        prompts: what the prompt says, by item.
        plots: PNG files.
    """
    items: dict[str, list[Row]] = {}
    for row in report.scored:
        items.setdefault(row["id"], []).append(row)
    heard = [name for name in items if (name, "prompt") in sounds]
    pictures = "".join(f'<img alt="{p.stem}" src="data:image/png;base64,{_base64(p.read_bytes())}">'
                       for p in plots)
    body = _from_markdown(report.markdown())
    sections = "".join(_section(name, items[name], sounds, prompts) for name in heard)
    left = (f"<p>{len(items) - len(heard)} more items are in rows.jsonl.</p>"
            if len(items) > len(heard) else "")
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width"><title>{html.escape(report.title)}</title>'
            f"<style>{STYLE}</style>{body}{pictures}<h2>Listen</h2>{sections}{left}</html>\n")


def _section(name: str, rows: Sequence[Row], sounds: Mapping[tuple[str, str], Samples],
             prompts: Mapping[str, str]) -> str:
    takes = _take("prompt", sounds.get((name, "prompt")),
                  f"<small>{html.escape(prompts.get(name, ''))}</small>")
    for row in rows:
        takes += _take(row["version"], sounds.get((name, row["version"])), _verdict(row))
    return (f"<section><b>{html.escape(rows[0]['text'])}</b> <small>{html.escape(name)}</small>"
            f"{takes}</section>")


def _take(version: str, samples: Samples | None, remark: str) -> str:
    player = ("" if samples is None else '<audio controls preload="none" '
              f'src="data:audio/mpeg;base64,{_base64(mp3(samples))}"></audio>')
    return (f'<div class="take"><span>{html.escape(version)}</span><span>{player}</span>'
            f"<span>{remark}</span></div>")


def _verdict(row: Row) -> str:
    """What the first listener heard, with its errors marked, and the figures."""
    heard = next(iter(row["heard"].values()), None)
    marked = "" if heard is None else mark(*comparable(words(row["text"]), heard.split()))
    figures = [f"{judge} {value:.2f}" for key in ("wer", "sim_o")
               for judge, value in row[key].items()]
    figures += [f"{name} {row[key]:.2f}" for name, key in
                (("DistillMOS", DISTILLMOS), ("OVRL", OVRL)) if row.get(key) is not None]
    failed = "".join(f' <span class="failure">{html.escape(f)}</span>'
                     for f in row.get("failures", ()))
    return f"{marked}{failed}<br><small>{html.escape(' · '.join(figures))}</small>"


def mark(reference: Sequence[str], heard: Sequence[str]) -> str:
    """Words heard as HTML: missing ones struck out, wrong and added ones coloured."""
    pieces = []
    for kind, start, end, first, last in word_errors(reference, heard).runs:
        if kind == "delete":
            pieces.append((kind, reference[start:end]))
        else:
            pieces.append((kind, heard[first:last]))
    return " ".join(html.escape(" ".join(said)) if kind == "equal" else
                    f'<span class="{kind}">{html.escape(" ".join(said))}</span>'
                    for kind, said in pieces)


def mp3(samples: Samples) -> bytes:
    """Samples [N] at 24 kHz as an MP3 file of about 25 kb/s, which every browser plays."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III",
                    compression_level=0.99, bitrate_mode="VARIABLE")
    return buffer.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _from_markdown(text: str) -> str:
    """HTML of the few things that reports use: headings, tables, lists, paragraphs."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [html.escape(line) for line in block.splitlines()]
        if lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            blocks.append(f"<h{level}>{lines[0].lstrip('# ')}</h{level}>")
        elif lines[0].startswith("|"):
            cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
            blocks.append("<table>" + "".join(
                "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in row) + "</tr>"
                for tag, row in [("th", cells[0]), *(("td", row) for row in cells[2:])])
                + "</table>")
        elif lines[0].startswith("- "):
            blocks.append("<ul>" + "".join(f"<li>{line[2:]}</li>" for line in lines) + "</ul>")
        else:
            blocks.append(f"<p>{' '.join(lines)}</p>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", "".join(blocks))
