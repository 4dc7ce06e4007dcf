"""Writes the report of a benchmark's folder: `report.md`, `report.html`, `benchmark.json` and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.document import document
from elmo_tasks.benchmark.markdown import as_markdown
from elmo_tasks.benchmark.page import as_page
from elmo_tasks.benchmark.record import BASELINE, benchmark_record
from elmo_tasks.core.files import disk_faults, write_json, write_text


def write_report(folder: Path, baseline: Sequence[str] | None = None) -> dict[str, Any]:
    """Make the record of the finished cells in `folder` and write it in all forms. Returns the record.

    Raises:
        InputError: no finished run there, or a folder that cannot be written.
    """
    record = benchmark_record(folder, tuple(baseline or BASELINE))
    sections = document(record)
    pictures = folder / "pictures"
    with disk_faults(pictures):
        pictures.mkdir(exist_ok=True)
        for picture in (picture for section in sections for picture in section.pictures):
            (pictures / f"{picture.name}.svg").write_bytes(picture.svg)
            (pictures / f"{picture.name}.png").write_bytes(picture.png)
    write_json(folder / "benchmark.json", record)
    write_text(folder / "report.md", as_markdown(sections, pictures.name))
    write_text(folder / "report.html", as_page(sections))
    return record
