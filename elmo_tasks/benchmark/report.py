"""Write the report of a benchmark folder: `report.md`, `report.html`, `benchmark.json` and pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from elmo_tasks.benchmark.document import Section, document
from elmo_tasks.benchmark.record import BASELINE, KIND, benchmark_record
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, write_bytes, write_json, write_text
from elmo_tasks.core.folders import kind_of, not_ours
from elmo_tasks.core.html import render
from elmo_tasks.core.markdown import escape, markdown_table
from elmo_tasks.core.outputs import hold, output_folder

_TITLE = "Benchmark of embedders"


def renew_report(folder: Path, baseline: Sequence[str] | None = None) -> dict[str, Any]:
    """Call `write_report` on a benchmark folder, unless another process is writing it.

    Raises:
        InputError: as `write_report`, or the folder is not that of a benchmark, or another process is writing it.
    """
    folder = output_folder(folder)
    if folder.is_dir() and kind_of(folder) != KIND:
        raise InputError(f"{folder}: {not_ours(KIND)}")
    with hold(folder):
        return write_report(folder, baseline)


def write_report(folder: Path, baseline: Sequence[str] | None = None) -> dict[str, Any]:
    """Make the record of the finished cells in `folder` and write it in all formats. Returns the record.

    Raises:
        InputError: there is no finished run, or the folder cannot be written.
    """
    record = benchmark_record(folder, tuple(baseline or BASELINE))
    sections = document(record)
    pictures = folder / "pictures"
    with disk_faults(pictures):
        pictures.mkdir(exist_ok=True)
        for picture in (picture for section in sections for picture in section.pictures):
            write_bytes(pictures / f"{picture.name}.svg", picture.svg)
            write_bytes(pictures / f"{picture.name}.png", picture.png)
    write_json(folder / "benchmark.json", record)
    write_text(folder / "report.md", as_markdown(sections, pictures.name))
    write_text(folder / "report.html", as_page(sections))
    return record


def as_markdown(sections: Iterable[Section], pictures: str, title: str = _TITLE) -> str:
    """The report as Markdown. pictures: the folder of its pictures, for links."""
    parts = [f"# {title}\n"]
    for section in sections:
        parts.append(f"## {escape(section.heading)}\n")
        parts.extend(f"- {escape(sentence)}" for sentence in section.sentences)
        parts += [""] if section.sentences else []
        for sheet in section.sheets:
            table = markdown_table(sheet.columns, sheet.rows, numbers=sheet.numbers)
            parts += [f"### {escape(sheet.heading)}\n", f"{escape(sheet.about)}\n", table]
        parts.extend(
            f"![{escape(picture.alt)}]({pictures}/{quote(picture.name)}.png)\n" for picture in section.pictures
        )
    return "\n".join(parts).rstrip("\n") + "\n"


def as_page(sections: Sequence[Section], title: str = _TITLE) -> str:
    """The report as one self-contained HTML page, with its style and pictures embedded."""
    return render("benchmark/report.html", title=title, sections=sections, picture_data=_picture_data)


def _picture_data(svg: bytes) -> str:
    return base64.b64encode(svg).decode("ascii")
