"""The one exception for faults in what the user gave."""

from __future__ import annotations


class InputError(Exception):
    """A fault in the user's data, files, configuration or environment.

    The message is one line that says what was expected, what came, where (`file:line` if there is one) and what to
    do next. The command line prints it without a traceback and exits with code 2.
    """
