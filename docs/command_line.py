"""A hook of MkDocs: the page `command-line.md` goes on with what `--help` says, made from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.pages import Page

from elmo_tasks.cli import build_parser


def verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of a parser's verbs, each before those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb
                yield from verbs(verb)


def help_of(verb: argparse.ArgumentParser) -> str:
    """A section; lines break at 92 columns, whatever the width of the screen that the site is built on."""
    verb.formatter_class = lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=92)
    return f"## {verb.prog.removeprefix('elmo-tasks ')}\n\n```text\n{verb.format_help().rstrip()}\n```\n"


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Add the sections to the page."""
    if page.file.src_uri != "command-line.md":
        return markdown
    return "\n".join([markdown, *map(help_of, verbs(build_parser()))])
