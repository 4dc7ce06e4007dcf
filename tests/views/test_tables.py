"""Substitutes on screen."""

from __future__ import annotations

import io

from rich.console import Console

from elmo_tasks.pretraining.substitutes import Substitutes
from elmo_tasks.views.tables import print_substitutes


def test_brackets_in_a_word_are_no_markup() -> None:
    ranked = (("[/b]", 0.5), ("[red]x", 0.25))
    out = Console(file=io.StringIO(), width=120)
    print_substitutes(Substitutes(0, "[/i]", ranked, ranked, ranked), out)
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert "1: [/i]" in shown and shown.count("[/b]") == shown.count("[red]x") == 3
