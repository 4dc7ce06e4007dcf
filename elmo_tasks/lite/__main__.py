"""`python -m elmo_tasks.lite FOLDER [FILE]`: a sentence or a pair per line, or raw text, in; JSON Lines out."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from elmo_tasks import __version__
from elmo_tasks.core.errors import InputError, quoted
from elmo_tasks.core.files import standard_input
from elmo_tasks.core.terminal import say, say_json, write_what_cannot_be_encoded
from elmo_tasks.lite.model import load
from elmo_tasks.text.pairs import PAIR_LINE, checked_pair, split_pair
from elmo_tasks.text.tokens import split_tokens

_LONGEST_LINE = 1 << 24
_UNDECODABLE = re.compile("[\udc80-\udcff]")  # how `surrogateescape` marks undecodable bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns its exit code: 2 for bad input, 130 if interrupted, 141 if the output is closed."""
    parser = argparse.ArgumentParser(
        prog="elmo-tasks-lite",
        description="Apply an export of elmo-tasks: one tokenised sentence per line (for pairs: a premise, a tab and a "
        "hypothesis), or raw text, in; JSON Lines out.",
    )
    parser.add_argument("--version", action="version", version=f"elmo-tasks-lite {__version__}")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder written by `elmo-tasks export`")
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="UTF-8 text (default: standard input)")
    parser.add_argument(
        "--text", action="store_true", help="the input is raw text, which is split into sentences and tokens"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="number of processor threads (default: 2)")
    options = parser.parse_args(arguments)
    write_what_cannot_be_encoded()
    try:
        model = load(options.folder, threads=options.threads)
        interactive = options.file is None and sys.stdin is not None and sys.stdin.isatty()
        results: Iterator[dict[str, Any]]
        if options.text:
            results = (result.to_dict() for result in model.text(_whole(options.file)))
        else:
            read = _pairs if model.pairs else _sentences
            results = model.pipe(read(options.file), 1 if interactive else 64)
        for result in results:
            say_json(result)
            if options.file is None:
                sys.stdout.flush()
        sys.stdout.flush()
    except InputError as error:
        say(f"elmo-tasks-lite: error: {error}", stream=sys.stderr)
        return 2
    except BrokenPipeError:
        with suppress(OSError):  # the buffered text must go somewhere when the program ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return 0


def _sentences(path: Path | None) -> Iterator[tuple[str, ...]]:
    """The tokens of each line."""
    return (_tokens(line, source) for line, source in _lines(path))


def _pairs(path: Path | None) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The tokens of the premise and the hypothesis of each line; an empty line has none."""
    for line, source in _lines(path):
        if not line.strip():
            yield (), ()
            continue
        if line.lstrip().startswith('{"'):
            value = _object(line)
            if not {"premise", "hypothesis"} <= set(value):
                raise InputError(f"{source}: invalid JSON object {quoted(line.strip())}; {PAIR_LINE}")
            halves = [value["premise"], value["hypothesis"]]
        else:
            halves = split_pair(line, source)
        first, second = checked_pair(halves, source)
        yield [token.text for token in first.tokens], [token.text for token in second.tokens]


def _whole(path: Path | None) -> str:
    """The complete text."""
    text = "".join(line for line, _ in _lines(path, ""))
    if not text.strip():
        raise InputError(f"{path or 'stdin'}: the text is empty or only white space")
    return text


def _lines(path: Path | None, newline: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield lines with their `file:line`. newline: None to normalise line breaks, "" to keep them."""
    origin = "stdin" if path is None else str(path)
    try:
        with nullcontext(standard_input()) if path is None else path.open("rb") as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline=newline)
            try:
                for number, line in enumerate(iter(lambda: text.readline(_LONGEST_LINE), ""), 1):
                    _check(line, f"{origin}:{number}")
                    yield line, f"{origin}:{number}"
            finally:
                text.detach()  # the stream is closed by who opened it
    except OSError as error:
        raise InputError(f"{origin}: cannot be read ({error.strerror})") from None


def _check(line: str, source: str) -> None:
    if len(line) == _LONGEST_LINE:
        raise InputError(f"{source}: the line has over {_LONGEST_LINE:,} characters; break the text into lines")
    if bad := _UNDECODABLE.search(line):
        raise InputError(f"{source}: not UTF-8 text (byte {ord(bad[0]) - 0xDC00:#04x}); convert it to UTF-8")


def _tokens(line: str, source: str) -> tuple[str, ...]:
    """The tokens of a line; one that begins with `{"` is JSON with `tokens`, or with tokenised `text`."""
    if not line.lstrip().startswith('{"'):
        return split_tokens(line)
    value = _object(line)
    tokens = value.get("tokens", value.get("text"))
    if isinstance(tokens, str):
        return split_tokens(tokens)
    if isinstance(tokens, list) and all(isinstance(token, str) and split_tokens(token) == (token,) for token in tokens):
        return tuple(tokens)
    raise InputError(
        f'{source}: invalid JSON object {quoted(line.strip())}; expected a tokenised sentence or {{"tokens": [words]}}'
    )


def _object(line: str) -> dict[str, Any]:
    """The JSON object in a line; an empty one if it is not JSON."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
