"""What reaches a terminal: one line, harmless, in any encoding."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo_tasks.core.terminal import printable, say, say_json, write_what_cannot_be_encoded

ANY = st.text(st.characters(), max_size=30)  # lone surrogates too


@given(ANY)
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert printable(shown) == shown


@given(st.text(st.characters(blacklist_characters='"\\'), max_size=30))
def test_escapes_are_those_of_json(text: str) -> None:
    assert json.loads(f'"{printable(text)}"') == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\u001b]0;title\u0007"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b31m", r"\u009b31m"),
        ("abc\u202edef\u2066", r"abc\u202edef\u2066"),
        ("\u2028\u2029\x85", r"\u2028\u2029\u0085"),
        ("\ud83d", r"\ud83d"),
        ("\U000e0041", r"\udb40\udc41"),
        ("naïve 日本 \U0001f468\u200d\U0001f469 क\u200cष", "naïve 日本 \U0001f468\u200d\U0001f469 क\u200cष"),
        ("[red]", "[red]"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_by_hand(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_output_never_dies_of_the_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"word": "naïve 日本 \U0001f600 \ud83d \x1b \u202e"}
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding, newline="\n"))
    write_what_cannot_be_encoded()
    say_json(value)
    say(f"naïve {chr(10)} 日本 ±")
    sys.stdout.flush()
    first, second = written.getvalue().decode(encoding).splitlines()
    assert json.loads(first) == value
    assert second == {
        "ascii": r"na\u00efve \n \u65e5\u672c \u00b1",
        "utf-8": "naïve \\n 日本 ±",
    }.get(encoding, "naïve \\n \\u65e5\\u672c ±")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_error_of_the_command_line_is_one_harmless_line(encoding: str) -> None:
    name = "no\nsuch \x1b[31mrun \u202e[red] 日本"
    done = subprocess.run(
        [sys.executable, "-m", "elmo_tasks", "train", "ner", "--config", name],
        capture_output=True,
        env={"PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    said = done.stderr.decode(encoding)
    assert done.returncode == 2 and said.count("\n") == 1 and said.endswith("\n"), said
    assert "\x1b" not in said and r"no\nsuch \u001b[31mrun \u202e[red] \u65e5\u672c" in said
