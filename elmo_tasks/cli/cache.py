"""`elmo-tasks cache` and its parts `info`, `verify` and `clear`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from elmo_tasks.cli.verb import Verbs, add_verb
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say

if TYPE_CHECKING:
    from elmo_tasks.embedders.cache.folder import CacheEntry


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    cache = add_verb(
        verbs,
        "cache",
        "show, check or remove the frozen vectors on disk",
        ("cache info", "cache verify", "cache clear --embedder elmo:small"),
    )
    parts = cache.add_subparsers(required=True, metavar="info|verify|clear")
    info = add_verb(
        parts, "info", "show sentences, tokens, size and last use of the vectors of each embedder", ("cache info",)
    )
    info.set_defaults(verb=_info)
    verify = add_verb(
        parts, "verify", "read and check all vectors; the exit code is 1 if some are damaged", ("cache verify",)
    )
    verify.set_defaults(verb=_verify)
    clear = add_verb(
        parts, "clear", "remove the vectors of one embedder, or all", ("cache clear --embedder elmo:small --yes",)
    )
    clear.add_argument("--yes", action="store_true", help="do not ask; required if there is no terminal")
    clear.set_defaults(verb=_clear)
    for part in (info, verify, clear):
        part.add_argument(
            "--embedder",
            metavar="NAME",
            help="name of the embedder, such as elmo:small, or the beginning of its fingerprint (default: all)",
        )


def _info(options: argparse.Namespace) -> None:
    from elmo_tasks.core.paths import cache_limit

    found = _chosen(options, check=False)
    limit = cache_limit()
    for entry in found:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_use))
        say(f"{entry.fingerprint}  {entry.name or '-'}")
        say(f"    {entry.sentences:,d} sentences, {entry.tokens:,d} tokens, {_size(entry.bytes)}, last used {used}")
        if entry.damaged:
            say(f"    {len(entry.damaged)} damaged blocks; they will be computed again when needed")
    total = _size(sum(entry.bytes for entry in found))
    say(f"{total} in {_root()}; limit {'none' if limit == float('inf') else _size(limit)} (ELMO_TASKS_CACHE_LIMIT)")


def _verify(options: argparse.Namespace) -> int:
    found = _chosen(options, check=True)
    damaged = [path for entry in found for path in entry.damaged]
    for path in damaged:
        say(f"damaged: {path}")
    say(f"{sum(entry.sentences for entry in found):,d} sentences are intact, {len(damaged)} blocks are damaged")
    if damaged:
        say("the content of damaged blocks will be computed again when needed")
    return 1 if damaged else 0


def _clear(options: argparse.Namespace) -> None:
    from elmo_tasks.embedders.cache.folder import clear

    found = _chosen(options, check=False)
    what = f"{len(found)} embedders, {_size(sum(entry.bytes for entry in found))} in {_root()}"
    if found and not options.yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise InputError(
                "cache clear: cannot ask for confirmation without a terminal; pass --yes to remove the vectors"
            )
        say(f"remove the vectors of {', '.join(entry.name or entry.fingerprint for entry in found)}: {what}? [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("nothing removed")
            return
    try:
        clear(_root(), [entry.fingerprint for entry in found])
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be removed ({error.strerror})") from None
    say(f"removed {what}")


def _root() -> Path:
    from elmo_tasks.core.paths import cache_root

    return cache_root() / "vectors"


def _chosen(options: argparse.Namespace, *, check: bool) -> list[CacheEntry]:
    """All entries, or those of `--embedder`."""
    from elmo_tasks.embedders.cache.folder import entries

    found = list(entries(_root(), check=check))
    if options.embedder is None:
        return found
    wanted = options.embedder
    named = [entry for entry in found if wanted in entry.name.split() or entry.fingerprint.startswith(wanted)]
    if not named:
        known = ", ".join(sorted({entry.name for entry in found})) or "nothing"
        raise InputError(f"--embedder: there are no vectors of {wanted!r} in {_root()}; choose one of: {known}")
    return named


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
