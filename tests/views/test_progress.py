"""Progress bars: only where they are wanted, only for what takes long, and gone at the end."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from elmo_tasks.core.progress import report_progress, watched
from elmo_tasks.core.terminal import loudness, remark
from elmo_tasks.embedders.cache.cached import CachedEmbedder
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.pretraining.corpus import encode_corpus
from elmo_tasks.views.progress import _Bars, progress_bars

Reports = list[tuple[str, int, "int | None", str]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal. Not a fixture: pytest puts its own stream there before the test."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    return found


def test_a_bar_appears_after_two_seconds_and_goes_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, now = terminal_of(monkeypatch), 0.0
    bars = _Bars(clock=lambda: now)
    bars("quick", 1, 10)
    now = 1.0
    bars("quick", 10, 10)
    assert terminal.getvalue() == "" and bars._progress is None
    bars("slow", 0, 10, "sentences")
    now = 4.0
    bars("slow", 5, 10, "sentences")
    bars("of unknown length", 5, None)
    assert bars._progress is not None
    bars._progress.refresh()
    bars("slow", 10, 10, "sentences")
    assert "slow" in terminal.getvalue() and "5 of 10 sentences" in terminal.getvalue()
    assert bars._progress is None
    bars.close()


def test_bars_only_on_a_terminal_and_not_with_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal_of(monkeypatch)
    with progress_bars() as bars:
        assert bars is not None
    with loudness("quiet"), progress_bars() as bars:
        assert bars is None
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bars() as bars:
        assert bars is None


def test_nobody_watches_by_default() -> None:
    seen: Reports = []
    with watched(lambda stage, done, total, unit="tokens": seen.append((stage, done, total, unit))):
        report_progress("a", 1, 2)
    report_progress("a", 2, 2)
    assert seen == [("a", 1, 2, "tokens")]


def test_embedding_and_encoding_report(tmp_path: Path) -> None:
    seen: Reports = []
    (tmp_path / "text.txt").write_text("a b c\nd e\n")
    with watched(lambda stage, done, total, unit="tokens": seen.append((stage, done, total, unit))):
        CachedEmbedder(RandomEmbedder(4, "small"), tmp_path / "vectors").prepare([["a", "b"], ["c"]])
        encode_corpus([tmp_path / "text.txt"], tmp_path / "corpus")
    assert seen == [
        ("embedding (small)", 0, 3, "tokens"),
        ("embedding (small)", 3, 3, "tokens"),
        ("encoding the text", 5, 5, "tokens"),
    ]


def test_remarks_are_kept_back_by_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    remark("a")
    with loudness("quiet"):
        remark("b")
    remark("c")
    assert capsys.readouterr().out == "a\nc\n"
