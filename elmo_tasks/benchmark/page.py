"""The report as one HTML page that needs nothing from outside: style and pictures are in it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from elmo_tasks.benchmark.document import Section
from elmo_tasks.benchmark.markdown import TITLE
from elmo_tasks.benchmark.pictures import Picture
from elmo_tasks.benchmark.sheet import Sheet

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 60rem; background: #fff; color: #1c1c1c;
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #d5d5d5; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
p, li { max-width: 46rem; overflow-wrap: anywhere; }
nav ul { padding-left: 1.2rem; margin: .3rem 0; }
a { color: #0b5394; }
.about { color: #4a4a4a; font-size: .92rem; margin: .2rem 0 .6rem; }
.wide { overflow-x: auto; border: 1px solid #e0e0e0; border-radius: 6px; }
.wide:focus-visible { outline: 3px solid #0b5394; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid #ececec; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: #f5f5f5; font-weight: 600; vertical-align: bottom; }
th.n, td.n { text-align: right; white-space: nowrap; }
thead th.n { white-space: normal; }
tbody th { font-weight: 600; min-width: 7rem; }
td.long { min-width: 16rem; }
figure { margin: 1.2rem 0; overflow-x: auto; }
img { display: block; width: 100%; min-width: 32rem; max-width: 44rem; height: auto; }
"""


def as_page(sections: Sequence[Section]) -> str:
    """The whole page."""
    links = "".join(f'<li><a href="#s{n}">{escape(s.heading)}</a></li>' for n, s in enumerate(sections))
    body = "\n".join(_section(section, number) for number, section in enumerate(sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{TITLE}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<header><h1>{TITLE}</h1>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n<main>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _section(section: Section, number: int) -> str:
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in section.sentences)
    parts = [f'<section aria-labelledby="s{number}">', f'<h2 id="s{number}">{escape(section.heading)}</h2>']
    parts += [f"<ul>{sentences}</ul>"] if sentences else []
    parts += [_sheet(sheet) for sheet in section.sheets]
    parts += [_figure(picture) for picture in section.pictures]
    return "\n".join([*parts, "</section>"])


def _sheet(sheet: Sheet) -> str:
    head = _row(sheet.columns, sheet.numbers, '<th scope="col"', "th")
    rows = "".join(_row(row, sheet.numbers, '<th scope="row"', "td") for row in sheet.rows)
    return (
        f'<h3>{escape(sheet.heading)}</h3>\n<p class="about">{escape(sheet.about)}</p>\n'
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(sheet.heading)}">'
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )


def _row(cells: Iterable[str], numbers: int, first: str, other: str) -> str:
    made = []
    for place, cell in enumerate(cells):
        tag, name = (first, "th") if place == 0 else (f"<{other}{' scope=col' if other == 'th' else ''}", other)
        kind = ' class="n"' if place >= numbers else ' class="long"' if place and len(cell) > 40 else ""
        made.append(f"{tag}{kind}>{escape(cell)}</{name}>")
    return f"<tr>{''.join(made)}</tr>"


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.svg).decode("ascii")
    return f'<figure tabindex="0"><img alt="{escape(picture.alt)}" src="data:image/svg+xml;base64,{data}"></figure>'
