"""The page over HTTP: who is answered, and how much may be asked."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elmo_tasks.demo.guard import BODY, known_hosts
from elmo_tasks.demo.server import WAITING
from elmo_tasks.demo.tokens import CHARACTERS

pytestmark = pytest.mark.slow

FOREIGN = ("evil.example", "127.0.0.1.evil.example", "192.168.1.2", "", "a@localhost")


@pytest.fixture(scope="module")
def port(run_folders: dict[str, Path]) -> Iterator[int]:
    """The page of one run, served by the verb."""
    command = [sys.executable, "-m", "elmo_tasks", "demo", str(run_folders["sentiment"]), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/ \(press Ctrl-C to stop\)\n", line)
        assert found, line + server.stdout.read()
        yield int(found[1])
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
    assert "Traceback" not in rest, rest


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} | (headers or {}))
        answered = connection.getresponse()
        return answered.status, {name.lower(): value for name, value in answered.getheaders()}, answered.read()
    finally:
        connection.close()


def post(port: int, text: str, tokenised: bool = False) -> tuple[int, str]:
    status, _, said = ask(port, "POST", "/answer", json.dumps({"text": text, "tokenised": tokenised}).encode())
    return status, said.decode()


def answer(port: int, text: str) -> str:
    status, said = post(port, text)
    assert status == 200, said
    return said


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "[::1]:{}", "127.0.0.1"])
def test_the_page_is_served_under_its_own_names(port: int, host: str) -> None:
    status, _, page = ask(port, "GET", "/", headers={"Host": host.format(port)})
    assert status == 200 and b"elmo-tasks" in page


@pytest.mark.parametrize("host", [*FOREIGN, "evil.example:{}"])
@pytest.mark.parametrize("request_line", ["GET /", "GET /page.js", "POST /answer", "OPTIONS /answer"])
def test_other_hosts_are_refused_without_credentials(port: int, host: str, request_line: str) -> None:
    method, path = request_line.split()
    given = {"Host": host.format(port), "Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    status, headers, said = ask(port, method, path, b"{}" if method == "POST" else None, given)
    assert status == 400 and b"not served under that name" in said
    assert not [name for name in headers if name.startswith("access-control")]


def test_other_origins_may_neither_ask_nor_read(port: int) -> None:
    origin = {"Origin": "http://evil.example"}
    status, headers, _ = ask(port, "GET", "/", headers=origin)
    assert status == 200 and "access-control-allow-origin" not in headers
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    status, headers, _ = ask(port, "OPTIONS", "/answer", headers=origin | wanted)
    assert status == 405 and not [name for name in headers if name.startswith("access-control")]
    plain = {"Content-Type": "text/plain"}  # what a form of another origin can send without asking
    assert ask(port, "POST", "/answer", b'{"text": "a"}', origin | plain)[0] == 415


@pytest.mark.parametrize("path", ["/", "/style.css", "/page.js"])
def test_the_browser_is_told_to_load_nothing_else(port: int, path: str) -> None:
    status, headers, _ = ask(port, "GET", path)
    policy = headers["content-security-policy"]
    assert status == 200 and "default-src 'none'" in policy and "script-src 'self'" in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/answer/", "/../pyproject.toml", "/style.css/x"])
def test_nothing_else_is_served(port: int, path: str) -> None:
    assert ask(port, "GET", path)[0] in (307, 404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"text": 1}',
        b'{"text": "a", "tokenised": "yes"}',
        b'{"text": "a", "second": 1}',
        b"[" * 200_000,
        b"\xff",
        b"1" * 9999,
    ],
)
def test_other_requests_are_refused(port: int, body: bytes) -> None:
    status, _, said = ask(port, "POST", "/answer", body)
    assert (status, said) == (400, b'Send {"text": a string, "second": a string, "tokenised": true or false}.')


@pytest.mark.parametrize("chunked", [False, True])
def test_large_requests_are_refused(port: int, chunked: bool) -> None:
    """As soon as they are known to be: after the header, or after the first byte too many."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/answer")
    connection.putheader("Content-Type", "application/json")
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for size in (BODY // 2, BODY // 2, 1):
            connection.send(b"%x\r\n%s\r\n" % (size, b" " * size))
    else:
        connection.putheader("Content-Length", str(BODY + 1))
        connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_long_text_is_answered_soon(port: int) -> None:
    answer(port, "warm up")
    began = time.monotonic()
    said = answer(port, "(" * 50_000)
    assert time.monotonic() - began < 20 and f"at most {CHARACTERS:,} characters" in said
    assert "Words of more than 200 characters were cut" in answer(port, "x" * 50_000)


def test_those_who_ask_at_once_are_answered_in_turn(port: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda number: answer(port, f"Number n{number} is warm ."), range(6)))
    for number, made in enumerate(said):
        assert re.findall(r"n\d(?=</option>)", made) == [f"n{number}"] * 2


def test_who_comes_to_a_full_queue_is_told(port: int) -> None:
    with ThreadPoolExecutor(2 * WAITING) as pool:
        told = list(pool.map(lambda number: post(port, f"{number} " * 160, True)[0], range(2 * WAITING)))
    assert set(told) == {200, 503} and told.count(200) >= WAITING
    assert post(port, "warm")[0] == 200  # there is room again


def test_known_hosts_by_hand() -> None:
    here, named, everywhere = known_hosts("127.0.0.1"), known_hosts("lab.example"), known_hosts("0.0.0.0")
    assert named("lab.example:80") and named("LAB.example") and named("localhost") and not named("example")
    assert not here("lab.example") and not here("10.0.0.1") and not here("[::2]:7860") and not here("localhost:x")
    assert everywhere("10.0.0.1:7860") and everywhere("[fe80::1]:7860") and not everywhere("evil.example")
