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
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)\n", line)
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


def answer(port: int, text: str) -> str:
    """What the page says, through Gradio's queue."""
    body = json.dumps({"data": [text, False]}).encode()
    status, _, made = ask(port, "POST", "/gradio_api/call/answer", body)
    assert status == 200, made
    _, _, stream = ask(port, "GET", f"/gradio_api/call/answer/{json.loads(made)['event_id']}")
    (data,) = re.findall(r"event: complete\ndata: (.*)", stream.decode())
    (html,) = json.loads(data)
    assert isinstance(html, str)
    return html


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "[::1]:{}", "127.0.0.1"])
def test_the_page_is_served_under_its_own_names(port: int, host: str) -> None:
    status, _, page = ask(port, "GET", "/", headers={"Host": host.format(port)})
    assert status == 200 and b"elmo-tasks" in page


@pytest.mark.parametrize("host", [*FOREIGN, "evil.example:{}"])
@pytest.mark.parametrize("request_line", ["GET /", "GET /config", "POST /gradio_api/call/answer", "OPTIONS /"])
def test_other_hosts_are_refused_without_credentials(port: int, host: str, request_line: str) -> None:
    method, path = request_line.split()
    given = {"Host": host.format(port), "Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    status, headers, said = ask(port, method, path, b"{}" if method == "POST" else None, given)
    assert status == 400 and b"not served under that name" in said
    assert not [name for name in headers if name.startswith("access-control")]


def test_other_origins_may_not_read_answers(port: int) -> None:
    status, headers, _ = ask(port, "GET", "/config", headers={"Origin": "http://evil.example"})
    assert status == 200 and "access-control-allow-origin" not in headers


def test_large_requests_are_refused(port: int) -> None:
    path = "/gradio_api/call/answer"
    assert ask(port, "POST", path, b" " * (BODY + 1))[0] == 413
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    chunks = iter([b" " * 65_536] * 8)
    connection.request("POST", path, chunks, {"Content-Type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status in (400, 413)
    connection.close()
    assert ask(port, "POST", "/gradio_api/upload", b"x" * (BODY + 1))[0] == 413


def test_a_long_text_is_answered_soon(port: int) -> None:
    answer(port, "warm up")
    began = time.monotonic()
    said = answer(port, "(" * 50_000)
    assert time.monotonic() - began < 20 and f"at most {CHARACTERS:,} characters" in said and "were cut" in said


def test_those_who_ask_at_once_are_answered_in_turn(port: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda number: answer(port, f"Number n{number} is warm ."), range(6)))
    for number, made in enumerate(said):
        assert re.findall(r"n\d(?=</option>)", made) == [f"n{number}"] * 2


def test_who_comes_to_a_full_queue_is_told(port: int) -> None:
    def post(number: int) -> int:
        text = f"{number} " * CHARACTERS
        return ask(port, "POST", "/gradio_api/call/answer", json.dumps({"data": [text[:CHARACTERS], True]}).encode())[0]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(post, range(3 * WAITING)))
    assert set(told) == {200, 503} and told.count(200) >= WAITING
    while post(0) == 503:
        time.sleep(0.2)  # there is room again


def test_known_hosts_by_hand() -> None:
    here, named, everywhere = known_hosts("127.0.0.1"), known_hosts("lab.example"), known_hosts("0.0.0.0")
    assert named("lab.example:80") and named("LAB.example") and named("localhost") and not named("example")
    assert not here("lab.example") and not here("10.0.0.1") and not here("[::2]:7860") and not here("localhost:x")
    assert everywhere("10.0.0.1:7860") and everywhere("[fe80::1]:7860") and not everywhere("evil.example")
