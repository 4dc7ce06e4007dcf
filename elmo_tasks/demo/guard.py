"""Middleware that refuses requests for other hosts and large bodies."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 256 * 1024
"""Maximum size of a request in bytes, much larger than the longest text that is read."""

_TOO_LARGE = f"A request has at most {BODY:,} bytes."
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]@/\s]+))(?::\d{1,5})?")


def known_hosts(listened: str) -> Callable[[str], bool]:
    """Make a function that checks whether the Host header of a request is a name of this page.

    Allowed are the loopback names and the address listened on. If that is every address (0.0.0.0 or ::), the name of
    the machine and its numeric addresses are allowed too. A foreign page whose name resolves to this machine (DNS
    rebinding) cannot send any of these.
    """
    everywhere = listened in ("0.0.0.0", "::", "")
    names = {*_LOOPBACK, listened.strip("[]").lower()}
    if everywhere:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def known(header: str) -> bool:
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        name = (found["six"] or found["name"]).lower()
        return name in names or (everywhere and _is_address(name))

    return known


class Guard:
    """Wraps an ASGI application for HTTP: 400 for a foreign host, 413 for a body of more than `BODY` bytes."""

    def __init__(self, app: ASGIApp, known: Callable[[str], bool]) -> None:
        self._app, self._known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request, or refuse it."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._known(hosts[0]):
            await _refuse(send, 400, "This page is not served under that name; set another one with --host.")
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > BODY:
            await _refuse(send, 413, _TOO_LARGE)
            return
        received, answered = 0, False

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY:
                raise _TooLarge
            return message

        async def watch(message: Message) -> None:
            nonlocal answered
            if received <= BODY or answered:  # the application answers `_TooLarge` with 500
                answered = True
                await send(message)

        try:
            await self._app(scope, count, watch)
        except _TooLarge:
            if not answered:
                await _refuse(send, 413, _TOO_LARGE)


class _TooLarge(Exception):
    pass


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
