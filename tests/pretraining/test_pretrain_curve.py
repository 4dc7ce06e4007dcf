"""The curve of a run, from the files of its sittings."""

from __future__ import annotations

from pathlib import Path

from elmo_tasks.pretraining.curve import read_curve


def sitting(log: Path, number: int, *rows: str) -> None:
    (log / f"version_{number}").mkdir(parents=True)
    lines = ["tokens,loss,heldout_forward,heldout_backward,step", *rows]
    (log / f"version_{number}" / "metrics.csv").write_text("\n".join(lines) + "\n")


def test_a_held_out_value_stands_where_it_was_measured(tmp_path: Path) -> None:
    sitting(tmp_path, 0, "10,3,,,0", "20,2,,,1", "20,,9,8,1", "30,1,,,2")
    assert read_curve(tmp_path) == [
        {"tokens": 10, "loss": 3},
        {"tokens": 20, "loss": 2, "heldout_forward": 9, "heldout_backward": 8},
        {"tokens": 30, "loss": 1},
    ]


def test_what_earlier_versions_repeated_is_read_once(tmp_path: Path) -> None:
    rows = [f"{10 * n},1,{9 if n < 700 else 8},7,{n}" for n in range(1, 1001)]
    sitting(tmp_path, 0, *rows)
    curve = read_curve(tmp_path, most=10)
    assert [row["tokens"] for row in curve if "heldout_forward" in row] == [10, 7000]
    assert len(curve) == 11  # thinned, and the two measurements (one of them is a row that stays anyway)


def test_the_later_sitting_holds(tmp_path: Path) -> None:
    sitting(tmp_path, 0, "10,3,,,0", "20,2,,,1")
    sitting(tmp_path, 1, "20,5,,,1", "30,4,9,8,2")
    assert [row["loss"] for row in read_curve(tmp_path)] == [3, 5, 4]
