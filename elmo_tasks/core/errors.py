"""The one exception for faults in what the user gave."""

from __future__ import annotations


class InputError(Exception):
    """A fault in the user's data, files, configuration or environment.

    The message is one line that says what was expected, what came, where (`file:line` if there is one) and what to
    do next. The command line prints it without a traceback and exits with code 2.
    """


def quoted(value: object, most: int = 60) -> str:
    """A value of the user's as messages show it: its `repr`, which has no line breaks, cut after `most` characters."""
    shown = repr(value)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."
