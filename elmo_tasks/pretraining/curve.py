"""The curve of a pre-training run, put together from the files of its sittings."""

from __future__ import annotations

import csv
from pathlib import Path

_HELDOUT = ("heldout_forward", "heldout_backward")
_KEPT = ("tokens", "loss", "learning_rate", "tokens_per_second", "rss_mb", *_HELDOUT)


def _sitting(path: Path) -> int:
    number = path.parent.name.removeprefix("version_")
    return int(number) if number.isdecimal() else -1


def read_curve(log: Path, most: int = 500) -> list[dict[str, float]]:
    """Rows by tokens seen, about `most` and those with held-out values; where sittings overlap, the later one holds.

    log: the folder of `version_N/metrics.csv` files that Lightning's CSVLogger wrote, one a sitting. Those of earlier
    versions repeat a held-out value in every row until the next one; here it stands in the first of them alone.
    """
    rows: dict[float, dict[str, float]] = {}
    for path in sorted(log.glob("version_*/metrics.csv"), key=_sitting):
        measured: dict[str, float] = {}
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            for read in csv.DictReader(stream):
                try:
                    row = {name: float(read[name]) for name in _KEPT if read.get(name)}
                except (ValueError, TypeError):
                    continue  # a damaged row of a curve is no reason to lose a run at its end
                if found := {name: row[name] for name in _HELDOUT if name in row}:
                    if found == measured:
                        row = {name: value for name, value in row.items() if name not in _HELDOUT}
                    measured = found
                if "tokens" in row:
                    rows[row["tokens"]] = rows.get(row["tokens"], {}) | row
    kept = [rows[tokens] for tokens in sorted(rows)]
    step = max(1, len(kept) // most)
    return [row for number, row in enumerate(kept) if number % step == 0 or "heldout_forward" in row]
