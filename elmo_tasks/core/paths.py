"""Locations of data, cache and recipes. The only module that reads environment variables."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from elmo_tasks.core.errors import InputError

_HUB_NAME = re.compile(r"(?:([A-Za-z0-9][\w.-]*)/)?[A-Za-z0-9][\w.-]*", re.ASCII)
_PACKAGE = Path(__file__).resolve().parents[1]
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # how long OpenMP's threads spin before they sleep


def data_root() -> Path | None:
    """The folder of data sets, `$ELMO_TASKS_DATA`, or None if it is not set."""
    value = os.environ.get("ELMO_TASKS_DATA")
    return Path(value).expanduser() if value else None


def cache_root() -> Path:
    """The folder for downloads and frozen vectors: `$ELMO_TASKS_CACHE`, else `~/.cache/elmo-tasks`.

    Raises:
        InputError: there is no home folder.
    """
    value = os.environ.get("ELMO_TASKS_CACHE")
    try:
        return Path(value).expanduser() if value else Path.home() / ".cache" / "elmo-tasks"
    except RuntimeError:
        raise InputError("this user has no home folder; set ELMO_TASKS_CACHE to a folder for the cache") from None


def cache_limit() -> float:
    """Maximum bytes of cached frozen vectors: `$ELMO_TASKS_CACHE_LIMIT` (`20GB`, `500MB`, `none`), else 20 GB.

    Raises:
        InputError: the value is neither a size nor `none`.
    """
    value = os.environ.get("ELMO_TASKS_CACHE_LIMIT", "").strip() or "20GB"
    if value.lower() == "none":
        return math.inf
    given = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMGT]?)B?", value, re.IGNORECASE)
    if given is None:
        raise InputError(f"ELMO_TASKS_CACHE_LIMIT must be a size such as 20GB or 500MB, or none, not {value!r}")
    return float(given[1]) * 1000.0 ** " KMGT".index(given[2].upper() or " ")


def wants_traceback() -> bool:
    """Whether the command line prints the traceback of a bug: `$ELMO_TASKS_TRACEBACK` is set and not 0."""
    return os.environ.get("ELMO_TASKS_TRACEBACK", "0") not in ("", "0")


def device_name() -> str:
    """The device to compute on: `$ELMO_TASKS_DEVICE`, else `auto`; see `elmo_tasks.elmo.device`."""
    return os.environ.get("ELMO_TASKS_DEVICE", "") or "auto"


@contextmanager
def device_set_to(name: str) -> Iterator[None]:
    """Set `$ELMO_TASKS_DEVICE` within the block, for this process and the processes it starts."""
    before = os.environ.get("ELMO_TASKS_DEVICE")
    os.environ["ELMO_TASKS_DEVICE"] = name
    try:
        yield
    finally:
        os.environ.pop("ELMO_TASKS_DEVICE")
        if before is not None:
            os.environ["ELMO_TASKS_DEVICE"] = before


def completes_words() -> bool:
    """Whether the shell has started this program to complete a command line (argcomplete's protocol)."""
    return "_ARGCOMPLETE" in os.environ


def ray_address() -> str | None:
    """The address of the Ray cluster, `$RAY_ADDRESS`, as for all programs that use Ray; None to start a new one."""
    address = os.environ.get("RAY_ADDRESS", "")
    return None if address in ("", "local") else address


def keep_ray_private(*, starts: bool) -> None:
    """Disable Ray's usage reports, and make a cluster that is started here (`starts`) listen only on 127.0.0.1.

    By default its servers listen on every interface without a password, and `ray.init` replaces an address of 127.0.0.1
    by that of the network. The second variable is the one that Ray itself uses to stay local on Windows and macOS. This
    only has an effect before `ray` is imported.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if starts:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"


def own_variables() -> dict[str, str]:
    """The environment variables of this package that are set, for processes on other machines."""
    return {name: value for name, value in os.environ.items() if name.startswith("ELMO_TASKS_")}


def adopt_variables(variables: Mapping[str, str]) -> None:
    """Set the environment variables of this package as they are where these jobs were started."""
    os.environ.update(variables)


def let_waiting_threads_sleep() -> None:
    """Make the threads of OpenMP sleep soon while they wait for work, unless the user's environment says otherwise.

    By default they spin for milliseconds. If other programs need the same cores, spinning threads take time from those
    that they wait for, and training takes ten times as long or longer. Not spinning at all (`passive`) makes training
    1.5 times slower on an idle machine, because most waits take only microseconds. The variables are read when OpenMP
    is loaded, so this only has an effect before `torch` is imported.
    """
    if not any(name in os.environ for name in _WAITING):
        os.environ["GOMP_SPINCOUNT"] = "2000"  # GNU OpenMP on Linux: number of spins of a waiting thread
        os.environ["KMP_BLOCKTIME"] = "1"  # LLVM's and Intel's OpenMP: milliseconds


def waiting_threads_sleep() -> bool:
    """Whether the environment says how long OpenMP's threads spin, as after `let_waiting_threads_sleep`."""
    return any(name in os.environ for name in _WAITING)


def draw_without_display() -> None:
    """Make matplotlib draw only into files, ignoring `$MPLBACKEND`, which could make its import fail."""
    os.environ["MPLBACKEND"] = "agg"


def recipe_root(kind: str) -> Path:
    """The folder `tasks`, `configs` or `results`: inside the installed package, or next to it in a checkout."""
    shipped = _PACKAGE / "_shipped" / kind
    return shipped if shipped.is_dir() else _PACKAGE.parent / kind


def config_names() -> list[str]:
    """The configurations in the package, as paths below its `configs`: `ner.yaml`, `pretrain/small.yaml`."""
    root = recipe_root("configs")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.yaml"))


def config_path(given: Path) -> Path:
    """The file for `--config`: a path, or the name of a configuration in the package, with or without `configs/`.

    Raises:
        InputError: there is no such file; the message lists the configurations in the package.
    """
    if given.exists():
        return given
    name, names = given.as_posix().removeprefix("configs/"), config_names()
    if name in names:
        return recipe_root("configs") / name
    raise InputError(f"{given}: no such configuration file; give a path or one of {', '.join(names)}")


def hub_name(given: str, *, bare: bool = False) -> str | None:
    """The Hugging Face repository that a name refers to, or None if it can only be a local path.

    `hf:ORG/NAME` always means a repository. A plain `ORG/NAME` does too, unless it looks local: a file or folder of
    that name or a folder `ORG` exists here, or `ORG` is `runs`, where `elmo-tasks train` writes. So a mistyped path
    is never sent to the hub.

    Args:
        given: the name given by the user. `~`, a backslash, `./`, `../`, a leading or a second slash make it a path.
        bare: whether `NAME` without an organisation is also a repository, as for some encoders.
    """
    name = given.removeprefix("hf:")
    matched = _HUB_NAME.fullmatch(name)
    if matched is None or not (matched[1] or bare):
        return None
    looks_local = Path(name).exists() or (matched[1] and (matched[1] == "runs" or Path(matched[1]).exists()))
    return None if looks_local and name == given else name


def task_names() -> list[str]:
    """The names of the tasks in the package."""
    return sorted(path.parent.name for path in recipe_root("tasks").glob("*/task.py"))


def task_path(name: str | Path) -> Path:
    """The `task.py` for a name or a path.

    Raises:
        InputError: there is none; the message suggests the nearest name.
    """
    given = Path(name)
    if given.suffix == ".py":
        if given.is_file():
            return given
        raise InputError(f"{given}: no such task file")
    names = task_names()
    if str(name) not in names:
        close = difflib.get_close_matches(str(name), names, n=1)
        guess = f"did you mean {close[0]}? Choose" if close else "choose"
        raise InputError(f"unknown task {str(name)!r}; {guess} {', '.join(names)} or the path of a task.py")
    return recipe_root("tasks") / name / "task.py"
