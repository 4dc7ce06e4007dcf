"""`fetch` against a server in a thread that truncates, rejects, sends wrong content and changes it."""

from __future__ import annotations

import hashlib
import multiprocessing
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.weights.download import RemoteFile, fetch

CONTENT = bytes(range(256)) * 4000  # about 1 MB, several chunks


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.cuts: list[int] = []  # after how many bytes to hang up, a request each
        self.ranges = True
        self.failures: list[int] = []  # status codes to answer first
        self.seen: list[str | None] = []  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.hdf5"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.seen.append(wanted)
        if self.server.failures:
            self.send_error(self.server.failures.pop(0))
            return
        content = self.server.content
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        start = 0
        if wanted and self.server.ranges and self.headers.get("If-Range", etag) == etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start:end])
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.hdf5"


def sha(content: bytes = CONTENT) -> str:
    return hashlib.sha256(content).hexdigest()


def files(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path.suffix != ".lock")


def test_downloads_once_and_keeps_the_hash_seen_first(server: Server, target: Path) -> None:
    assert fetch(RemoteFile(server.url), target) == target
    assert target.read_bytes() == CONTENT
    assert files(target) == ["weights.hdf5", "weights.hdf5.sha256"]
    assert (target.parent / "weights.hdf5.sha256").read_text() == f"{sha()}  weights.hdf5\n"
    fetch(RemoteFile(server.url), target)
    assert server.seen == [None]


def test_a_cut_connection_is_taken_up_where_it_stopped(server: Server, target: Path) -> None:
    server.cuts = [300_000, 400_000]
    fetch(RemoteFile(server.url, len(CONTENT), sha()), target, wait_s=0)
    assert target.read_bytes() == CONTENT
    assert server.seen == [None, "bytes=300000-", "bytes=700000-"]
    assert files(target) == ["weights.hdf5"]


def test_the_next_call_goes_on_from_the_part_file(server: Server, target: Path) -> None:
    server.cuts = [300_000]
    with pytest.raises(InputError, match="the connection was lost.*the 300,000 bytes received are kept"):
        fetch(RemoteFile(server.url), target, attempts=1)
    assert files(target) == ["weights.hdf5.part", "weights.hdf5.part.etag"]
    fetch(RemoteFile(server.url), target, attempts=1)
    assert target.read_bytes() == CONTENT and server.seen[-1] == "bytes=300000-"


def test_a_file_that_changed_meanwhile_is_not_glued_together(server: Server, target: Path) -> None:
    server.cuts = [300_000]
    with pytest.raises(InputError):
        fetch(RemoteFile(server.url), target, attempts=1)
    server.content = CONTENT[::-1]
    fetch(RemoteFile(server.url), target, attempts=1)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_starts_over(server: Server, target: Path) -> None:
    server.ranges, server.cuts = False, [300_000]
    fetch(RemoteFile(server.url, sha256=sha()), target, wait_s=0)
    assert target.read_bytes() == CONTENT and server.seen == [None, "bytes=300000-"]


def test_a_part_file_that_is_complete_or_too_long(server: Server, target: Path) -> None:
    target.parent.mkdir()
    part = target.with_name("weights.hdf5.part")
    part.write_bytes(CONTENT)
    fetch(RemoteFile(server.url, sha256=sha()), target, wait_s=0)
    assert target.read_bytes() == CONTENT and len(server.seen) == 1
    target.unlink()
    part.write_bytes(CONTENT + b"more")
    fetch(RemoteFile(server.url, sha256=sha()), target, wait_s=0)
    assert target.read_bytes() == CONTENT


def test_wrong_hash_or_size_leaves_nothing(server: Server, target: Path) -> None:
    with pytest.raises(InputError, match=rf"the sha256 is {sha()}, not {'0' * 64}; it was deleted; try again"):
        fetch(RemoteFile(server.url, len(CONTENT), "0" * 64), target)
    assert files(target) == []
    with pytest.raises(InputError, match=r"the size is 1,024,000 bytes, not 12; "):
        fetch(RemoteFile(server.url, 12), target)
    assert files(target) == []


def test_a_file_that_was_damaged_later(server: Server, target: Path) -> None:
    fetch(RemoteFile(server.url), target)
    target.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(
        InputError,
        match=rf"the file has changed: its sha256 is .*, not {sha()}.*delete both files to download it again",
    ):
        fetch(RemoteFile(server.url), target)
    with pytest.raises(InputError, match="delete it to download it again"):
        fetch(RemoteFile(server.url, sha256=sha()), target)


def test_a_file_put_there_by_hand_needs_no_network(target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    assert fetch(RemoteFile("http://127.0.0.1:9/weights.hdf5", len(CONTENT), sha()), target) == target


def test_not_there(server: Server, target: Path) -> None:
    server.failures = [404]
    with pytest.raises(InputError, match=r"cannot download http\S+: the server answers 404 Not Found; put"):
        fetch(RemoteFile(server.url), target)
    assert files(target) == [] and len(server.seen) == 1


def test_a_server_in_trouble_is_asked_again(server: Server, target: Path) -> None:
    server.failures = [503, 500]
    fetch(RemoteFile(server.url), target, wait_s=0)
    assert target.read_bytes() == CONTENT


def test_offline_says_which_file_to_put_where(target: Path) -> None:
    with pytest.raises(InputError, match=r"cannot download .*refused.*; without a network, put that file") as caught:
        fetch(RemoteFile("http://127.0.0.1:9/weights.hdf5", 54_402_456, "747b"), target, wait_s=0)
    assert f"(54,402,456 bytes, sha256 747b) at {target}" in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write .*choose another cache folder"):
        fetch(RemoteFile(server.url), tmp_path / "file" / "weights.hdf5")


def test_two_processes_download_once(server: Server, target: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fetch, args=(RemoteFile(server.url), target)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert target.read_bytes() == CONTENT and server.seen == [None]


@pytest.mark.parametrize("plant", ["symbolic", "hard"])
def test_planted_links_are_not_followed(server: Server, tmp_path: Path, plant: str) -> None:
    """Under every name that somebody else may predict."""
    target, theirs = tmp_path / "weights" / "weights.hdf5", tmp_path / "theirs"
    target.parent.mkdir()
    theirs.write_bytes(CONTENT[:1000])
    for name in ("part", "part.etag", "lock", "sha256.part"):
        planted = target.with_name(f"{target.name}.{name}")
        if plant == "symbolic":
            planted.symlink_to(theirs)
        elif name != "lock":  # a file that is only locked
            planted.hardlink_to(theirs)
    server.cuts = [300_000]
    assert fetch(RemoteFile(server.url), target, wait_s=0).read_bytes() == CONTENT
    assert theirs.read_bytes() == CONTENT[:1000]
