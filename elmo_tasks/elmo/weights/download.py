"""Download a file over HTTP: once, atomically, with resumption, and checked before every use."""

from __future__ import annotations

import http.client
import os
import socket
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import checksum, write_text
from elmo_tasks.core.terminal import printable

_CHUNK = 1 << 18
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """The address of a file, and its size and hash if known.

    Without `sha256`, the hash of the first download is stored next to the file (`NAME.sha256`, the format of
    `sha256sum`) and every later use is compared with it.
    """

    url: str
    size: int | None = None
    sha256: str | None = None

    def described(self) -> str:
        """` (N bytes, sha256 ...)`, as far as known, for messages."""
        size = f"{self.size:,} bytes" if self.size is not None else ""
        known = ", ".join(filter(None, [size, f"sha256 {self.sha256}" if self.sha256 else ""]))
        return f" ({known})" if known else ""


def fetch(remote: RemoteFile, target: Path, *, attempts: int = 4, wait_s: float = 1.0) -> Path:
    """Return `target` with the content of `remote`, downloading it only if it does not exist yet.

    An interrupted download is resumed from `NAME.part`, `attempts` times within a call and then by the next call. The
    file appears under its own name only when it is complete and checked. Two processes that download the same file wait
    for each other.

    Raises:
        InputError: there is no network (the message says which file to put where), the server refuses, size or hash are
            wrong, the folder cannot be written, or the disk is full.
    """
    from filelock import FileLock

    try:
        if not target.is_file():  # no lock for an existing file: a shared cache may be read-only
            target.parent.mkdir(parents=True, exist_ok=True)
            lock = target.with_name(f"{target.name}.lock")
            if lock.is_symlink():  # it would be followed and its target truncated
                lock.unlink()
            with FileLock(lock):
                if not target.is_file():
                    _download(remote, target, attempts=attempts, wait_s=wait_s)
        _check(remote, target)
    except OSError as error:
        raise InputError(
            f"cannot write {target} ({error.strerror or error}); free some space or choose another cache folder"
        ) from error
    return target


def _download(remote: RemoteFile, target: Path, *, attempts: int, wait_s: float) -> None:
    part = target.with_name(target.name + ".part")
    fault: Exception | None = None
    complete = False
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait_s * attempt)
        try:
            complete = _receive(remote, part)
            if complete:
                break
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500:
                raise InputError(
                    f"cannot download {remote.url}: the server answers {error.code} {error.reason}; put the "
                    f"file{remote.described()} at {target} yourself"
                ) from error
            fault = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            fault = error  # a full disk raises something else and ends the call
            if isinstance(getattr(error, "reason", None), socket.gaierror):  # offline: trying again does not help
                break
    if not complete:
        got = part.stat().st_size if part.exists() else 0
        reason = getattr(fault, "reason", None) or fault or "the connection was lost"
        kept = f"; the {got:,} bytes received are kept, and the next attempt continues from there" if got else ""
        raise InputError(
            f"cannot download {remote.url} ({reason}){kept}; without a network, put that file{remote.described()} "
            f"at {target}"
        )
    _etag_file(part).unlink(missing_ok=True)
    try:
        _check_content(remote, part, remedy=f"it was deleted; try again, or put the right file at {target}")
    except InputError:
        part.unlink()
        raise
    part.replace(target)


def _receive(remote: RemoteFile, part: Path) -> bool:
    """Append the rest of the file to `part`; returns True if `part` is complete."""
    have = _size_of_part(part)
    request = urllib.request.Request(remote.url, headers={"User-Agent": "elmo-tasks", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        etag = _etag_file(part)
        # A file that has changed in the meantime is then sent completely instead of appended to the old beginning.
        if etag.is_file() and not etag.is_symlink():
            request.add_header("If-Range", etag.read_text(encoding="utf-8"))
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        error.close()
        # There are no more bytes: `part` is complete, or it is not the beginning of this file.
        if _total(error.headers.get("Content-Range")) == have:
            return True
        part.unlink()
        return False
    with response:
        start, total = _range(response.headers.get("Content-Range")) if response.status == 206 else (0, None)
        if response.status == 206 and start != have:
            part.unlink()
            return False
        length = response.headers.get("Content-Length")
        if total is None and length is not None:
            total = start + int(length)
        seen_etag = response.headers.get("ETag")
        if seen_etag and not seen_etag.startswith("W/"):
            write_text(_etag_file(part), seen_etag)
        ended = _append(response, part, start=start, total=total, label=remote.url.rsplit("/", 1)[-1])
    return ended if total is None else part.stat().st_size == total


def _append(response: http.client.HTTPResponse, part: Path, *, start: int, total: int | None, label: str) -> bool:
    """Write the response into `part` from `start` on; False if the connection broke (received bytes are kept)."""
    try:
        with _progress(label, start, total) as advance, _open_part(part, start) as file:
            while True:
                try:
                    chunk = response.read(_CHUNK)
                except (OSError, http.client.HTTPException):
                    return False
                if not chunk:
                    return True
                file.write(chunk)
                advance(len(chunk))
    except OSError:
        part.unlink(missing_ok=True)  # the disk is full: free the space
        raise


def _size_of_part(part: Path) -> int:
    """Bytes received by earlier calls. Anything but our own regular file under this name is removed.

    The name is predictable, so somebody else may have put a symbolic or hard link there.
    """
    try:
        state = part.lstat()
    except FileNotFoundError:
        return 0
    if stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
        return state.st_size
    part.unlink()
    return 0


def _open_part(part: Path, start: int) -> BinaryIO:
    """Open `part` for writing from byte `start` on; a new file if that is 0."""
    if not start:
        part.unlink(missing_ok=True)
    flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    file = os.fdopen(os.open(part, flags if start else flags | os.O_CREAT | os.O_EXCL, 0o666), "wb")
    file.seek(start)
    return file


class _Advance(Protocol):
    def __call__(self, n_bytes: int, /) -> None: ...


@contextmanager
def _progress(label: str, start: int, total: int | None) -> Iterator[_Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(printable(label), total=total, completed=start)
        yield lambda n_bytes: progress.advance(task, n_bytes)


def _range(header: str | None) -> tuple[int, int | None]:
    """Parse `bytes 100-199/200` to (100, 200), or (-1, None) if it is malformed."""
    try:
        span, total = (header or "").removeprefix("bytes ").split("/")
        return int(span.split("-")[0]), None if total == "*" else int(total)
    except ValueError:
        return -1, None


def _total(header: str | None) -> int | None:
    """Parse `bytes */200` to 200."""
    digits = (header or "").rpartition("/")[2]
    return int(digits) if digits.isdigit() else None


def _check(remote: RemoteFile, target: Path) -> None:
    """Compare a complete file with its known size and hash, or store its hash if none is known."""
    found = _check_content(remote, target, remedy="delete it to download it again")
    if remote.sha256 is not None:
        return
    sidecar = target.with_name(target.name + ".sha256")
    if not sidecar.exists():
        write_text(sidecar, f"{found}  {target.name}\n")
        return
    known = (sidecar.read_text(encoding="utf-8").split() or [""])[0]
    if known != found:
        raise InputError(
            f"{target}: the file has changed: its sha256 is {found}, not {known}, stored in {sidecar.name} when it was "
            "downloaded; delete both files to download it again"
        )


def _check_content(remote: RemoteFile, path: Path, *, remedy: str) -> str:
    """Compare size and hash of `path` with `remote`, and return its sha256."""
    size = path.stat().st_size
    if remote.size is not None and size != remote.size:
        raise InputError(f"{path} from {remote.url}: the size is {size:,} bytes, not {remote.size:,}; {remedy}")
    found = checksum(path)
    if remote.sha256 is not None and found != remote.sha256:
        raise InputError(f"{path} from {remote.url}: the sha256 is {found}, not {remote.sha256}; {remedy}")
    return found


def _etag_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")
