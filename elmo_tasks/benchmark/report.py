"""Writes the report of a benchmark's folder: `report.md`, `report.html`, `benchmark.json` and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo_tasks.benchmark.document import document
from elmo_tasks.benchmark.markdown import as_markdown
from elmo_tasks.benchmark.page import as_page
from elmo_tasks.benchmark.record import BASELINE, KIND, benchmark_record
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import disk_faults, write_bytes, write_json, write_text
from elmo_tasks.core.folders import kind_of, not_ours
from elmo_tasks.core.outputs import hold, output_folder


def renew_report(folder: Path, baseline: Sequence[str] | None = None) -> dict[str, Any]:
    """As `write_report`, in the folder of a benchmark that no other process is writing.

    Raises:
        InputError: as `write_report`; another folder than that of a benchmark; another process is writing it.
    """
    folder = output_folder(folder)
    if folder.is_dir() and kind_of(folder) != KIND:
        raise InputError(f"{folder}: {not_ours(KIND)}")
    with hold(folder):
        return write_report(folder, baseline)


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
            write_bytes(pictures / f"{picture.name}.svg", picture.svg)
            write_bytes(pictures / f"{picture.name}.png", picture.png)
    write_json(folder / "benchmark.json", record)
    write_text(folder / "report.md", as_markdown(sections, pictures.name))
    write_text(folder / "report.html", as_page(sections))
    return record
