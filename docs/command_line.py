"""A hook of MkDocs: the page `command-line.md`, made from the parser, so that it says what `--help` says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from elmo_tasks.cli import build_parser

HEAD = "# Command line\n\nWhat `elmo-tasks VERB --help` prints, verb by verb.\n"


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of a parser's verbs, each before those below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield verb
                yield from parsers(verb)


def page() -> str:
    """The page's Markdown. Verbs have no screen width of their own: lines break where they break at 100 columns."""
    parts = [HEAD]
    for parser in parsers(build_parser()):
        verb = parser.prog.removeprefix("elmo-tasks ")
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)
        parts.append(f"## {verb}\n\n```text\n{parser.format_help().rstrip()}\n```\n")
    return "\n".join(parts)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    files.append(File.generated(config, "command-line.md", content=page()))
    return files
