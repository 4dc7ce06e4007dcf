"""The training curve of a pre-training run, merged from the logs of each start and resume."""

from __future__ import annotations

import csv
from pathlib import Path

_HELDOUT = ("heldout_forward", "heldout_backward")
_KEPT = ("tokens", "loss", "learning_rate", "tokens_per_second", "rss_mb", *_HELDOUT)


def _sitting(path: Path) -> int:
    number = path.parent.name.removeprefix("version_")
    return int(number) if number.isdecimal() else -1


def read_curve(log: Path, most: int = 500) -> list[dict[str, float]]:
    """Rows by tokens seen: about `most`, plus those with held-out values; where logs overlap, the later one counts.

    log: the folder of `version_N/metrics.csv` files written by Lightning's CSVLogger, one per start or resume. Files of
    earlier package versions repeat a held-out value in every row until the next one; only its first row is kept.
    """
    rows: dict[float, dict[str, float]] = {}
    for path in sorted(log.glob("version_*/metrics.csv"), key=_sitting):
        measured: dict[str, float] = {}
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            for read in csv.DictReader(stream):
                try:
                    row = {name: float(read[name]) for name in _KEPT if read.get(name)}
                except (ValueError, TypeError):
                    continue  # a damaged row of the curve must not make a finished run fail
                if found := {name: row[name] for name in _HELDOUT if name in row}:
                    if found == measured:
                        row = {name: value for name, value in row.items() if name not in _HELDOUT}
                    measured = found
                if "tokens" in row:
                    rows[row["tokens"]] = rows.get(row["tokens"], {}) | row
    kept = [rows[tokens] for tokens in sorted(rows)]
    step = max(1, len(kept) // most)
    return [row for number, row in enumerate(kept) if number % step == 0 or "heldout_forward" in row]
