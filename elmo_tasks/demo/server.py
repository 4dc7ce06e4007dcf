"""Serve the page with a local web server. Only this module and `guard` use a web framework."""

from __future__ import annotations

import asyncio
import json
import socket
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.demo.guard import Guard, known_hosts
from elmo_tasks.demo.page import answer, document, script, style
from elmo_tasks.demo.runs import Shown

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

WAITING = 20
"""Maximum number of texts that wait for an answer; further ones are told that the page is busy."""

_CONNECTIONS = 100  # at a time; a browser with the page uses one to six
_PORTS = range(7860, 7960)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Headers of every response: the browser loads nothing from elsewhere, runs only our script, and stores nothing."""


def serve(shown: Shown, *, host: str, port: int | None, browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    host: the address to listen on; port: None means the first free one from 7860; browser: open the page in a browser;
    tell: called with the address of the page.

    Nothing is loaded from or sent to another host. Requests with the name of another host are refused (`known_hosts`).

    Raises:
        InputError: the port is in use, or the address does not belong to this machine.
    """
    import uvicorn

    keep_freed_memory()
    with _listen(host, port) as listening:
        port = listening.getsockname()[1]
        options = uvicorn.Config(
            Guard(application(shown), known_hosts(host)),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        name = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
        address = f"http://{name}:{port}/"
        tell(f"{address} (press Ctrl-C to stop)")
        if browser:
            webbrowser.open(address)  # its request waits until the server answers
        uvicorn.Server(options).run(sockets=[listening])


def application(shown: Shown) -> Starlette:
    """The page as an ASGI application.

    `POST /answer` accepts a JSON object `{"text": ..., "tokenised": ...}` and returns the HTML of the answer; `second`
    is the second text for runs that compare two. It requires the content type of JSON, which pages of other origins
    cannot send without permission (CORS), and this is never given.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response
    from starlette.routing import Route

    turn = asyncio.Lock()  # one answer at a time: each uses all cores
    waiting = 0

    def respond(text: str, kind: str = "plain", status: int = 200) -> Response:
        return Response(text, status, _HEADERS, f"text/{kind}")

    def file(path: str, kind: str, text: str) -> Route:
        async def send(_: Request) -> Response:
            return respond(text, kind)

        return Route(path, send)

    async def ask(request: Request) -> Response:
        nonlocal waiting
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return respond("Send JSON, with the content type application/json.", status=415)
        asked = _read(await request.body())
        if asked is None:
            return respond('Send {"text": a string, "second": a string, "tokenised": true or false}.', status=400)
        if waiting > WAITING:
            return respond("The page is busy. Try again in a moment.", status=503)
        waiting += 1
        try:
            async with turn:
                if await request.is_disconnected():  # the reader has sent another text in the meantime
                    return respond("", status=503)
                return respond(await run_in_threadpool(answer, shown, *asked), "html")
        finally:
            waiting -= 1

    files = (("/", "html", document(shown)), ("/style.css", "css", style()), ("/page.js", "javascript", script()))
    return Starlette(routes=[*(file(*given) for given in files), Route("/answer", ask, methods=["POST"])])


def _read(body: bytes) -> tuple[str, bool, str] | None:
    """The text, whether it is tokenised, and the second text; or None if the body is malformed."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict):
        return None
    text, tokenised, second = asked.get("text"), asked.get("tokenised", False), asked.get("second", "")
    if not (isinstance(text, str) and isinstance(tokenised, bool) and isinstance(second, str)):
        return None
    return text, tokenised, second


def _listen(host: str, port: int | None) -> socket.socket:
    """A listening socket."""
    failed: Exception | None = None
    for number in _PORTS if port is None else (port,):
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, number))
            made.listen(_CONNECTIONS)
            return made
        except (OSError, OverflowError) as error:
            made.close()
            failed = error
    ports = f"ports {_PORTS[0]} to {_PORTS[-1]}" if port is None else f"port {port}"
    raise InputError(f"demo: cannot listen on {host}, {ports} ({failed}); choose another --host or --port")
