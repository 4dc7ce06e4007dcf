"""The exception for invalid input from the user."""

from __future__ import annotations


class InputError(Exception):
    """Something is wrong with the user's data, files, configuration or environment.

    The message is one line that says where (`file:line` if there is one) what is wrong, and what to do. The command
    line prints it without a traceback and exits with code 2.
    """


def quoted(value: object, most: int = 60) -> str:
    """A user's value as shown in messages: its `repr`, which has no line breaks, truncated to `most` characters."""
    shown = repr(value)
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."
