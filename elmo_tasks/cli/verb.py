"""The type of what verbs are added to, and the options that several verbs share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Verbs: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Verbs = object


def add_reading_options(verb: argparse.ArgumentParser) -> None:
    """How the files of a data set are read."""
    verb.add_argument(
        "--columns",
        metavar="NAME=COLUMN,...",
        help="where things are in the files, from 1 or by name, such as token=1,tag=3 or text=review,label=sentiment",
    )
    verb.add_argument("--encoding", metavar="NAME", help="of the files, such as latin-1 or utf-16 (default: utf-8)")
