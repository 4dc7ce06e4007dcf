"""The report as Markdown; its pictures are files beside it."""

from __future__ import annotations

from collections.abc import Iterable

from elmo_tasks.benchmark.document import Section
from elmo_tasks.benchmark.sheet import Sheet

TITLE = "Benchmark of embedders"


def as_markdown(sections: Iterable[Section], pictures: str) -> str:
    """pictures: the folder of the pictures, as the text shall name it."""
    parts = [f"# {TITLE}\n"]
    for section in sections:
        parts.append(f"## {section.heading}\n")
        parts.extend(f"- {sentence}" for sentence in section.sentences)
        parts += [""] if section.sentences else []
        for sheet in section.sheets:
            parts += [f"### {sheet.heading}\n", f"{sheet.about}\n", markdown_table(sheet)]
        parts.extend(f"![{picture.alt}]({pictures}/{picture.name}.png)\n" for picture in section.pictures)
    return "\n".join(parts).rstrip("\n") + "\n"


def markdown_table(sheet: Sheet) -> str:
    """The table alone, its numbers to the right."""
    rule = ["---" if place < sheet.numbers else "---:" for place in range(len(sheet.columns))]
    lines = (sheet.columns, rule, *sheet.rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines) + "\n"
