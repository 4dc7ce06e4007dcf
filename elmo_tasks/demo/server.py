"""The page behind a local web server. The only module that sees Gradio."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.demo.guard import Guard, known_hosts
from elmo_tasks.demo.page import HEADING, answer, script, style
from elmo_tasks.demo.runs import Shown
from elmo_tasks.demo.tokens import CHARACTERS, LIMIT

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio import Blocks

EXAMPLES = (
    "The mayor of Geneva sold her bank shares yesterday, and Anna Keller bought a charming house near the river bank.",
    "The dog began to bark when Anna leaned on the rough bark of the old oak.",
    "What a charming little film, so warm and so clever!",
)
WAITING = 20
"""Most sentences that wait for an answer; who asks for one more is told that the page is busy."""

_CONNECTIONS = 100  # at a time; a browser that shows the page has one to six
_PORTS = range(7860, 7960)


def serve(shown: Shown, *, host: str, port: int | None, browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    host: the address that is listened on; port: None is the first free one from 7860 on; browser: open the page there;
    tell: gets the page's address.

    Nothing is fetched from or sent to another host: no telemetry, no shared link, fonts of the system. Requests for a
    page of another host are refused (`known_hosts`).

    Raises:
        InputError: the port is taken, or the address is not one of this machine's.
    """
    import uvicorn

    keep_freed_memory()
    with _listen(host, port) as listening:
        port = listening.getsockname()[1]
        page = Guard(application(shown, host, port), known_hosts(host))
        options = uvicorn.Config(
            page, log_level="warning", limit_concurrency=_CONNECTIONS, timeout_graceful_shutdown=1, server_header=False
        )
        name = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
        address = f"http://{name}:{port}/"
        tell(f"{address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)  # its request waits until the server answers
        uvicorn.Server(options).run(sockets=[listening])


def application(shown: Shown, host: str, port: int) -> FastAPI:
    """The page as an ASGI application. No other origin may read its answers (CORS)."""
    import gradio
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    outer.add_middleware(CORSMiddleware, allow_origins=[])  # Gradio adds none of its own then
    made: FastAPI = gradio.mount_gradio_app(
        outer,
        _blocks(shown),
        path="/",
        server_name=host,
        server_port=port,
        mcp_server=False,
        ssr_mode=False,  # it would start a server of Node
        run_history=False,  # nothing typed is kept in the browser
        max_file_size=1,  # the page takes no files
        show_error=False,
        footer_links=[],
        theme=gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=style(),
    )
    return made


def _blocks(shown: Shown) -> Blocks:
    import gradio

    turn = Lock()  # one answer at a time: a sentence of all runs is computed in one go

    def say(text: str, tokenised: bool = False) -> str:
        with turn:
            return answer(shown, text, tokenised)

    with gradio.Blocks(title="elmo-tasks", analytics_enabled=False, fill_width=True) as blocks:
        gradio.HTML(HEADING)
        with gradio.Row(equal_height=True):
            text = gradio.Textbox(
                EXAMPLES[0],
                max_lines=6,
                max_length=CHARACTERS,
                label=f"A text of up to {LIMIT} tokens",
                scale=8,
                elem_id="text",
            )
            button = gradio.Button("Show", variant="primary", scale=1, min_width=110, elem_id="show")
        tokenised = gradio.Checkbox(label="already tokenised: split at blanks alone", elem_id="tokenised")
        panels = gradio.HTML(say(EXAMPLES[0]), js_on_load=script(), render=False, elem_id="answer")
        gradio.Examples(
            [[example, False] for example in EXAMPLES],
            [text, tokenised],
            panels,
            say,
            run_on_click=True,
            visible_columns=[0],
            api_visibility="private",
        )
        panels.render()  # type: ignore[no-untyped-call]
        gradio.on(
            [button.click, text.submit, tokenised.input],
            say,
            [text, tokenised],
            panels,
            api_name="answer",
            show_progress="hidden",
            trigger_mode="always_last",  # what comes while an answer is made is answered next, not dropped
        )
    blocks.queue(max_size=WAITING, default_concurrency_limit=1, api_open=False)
    made: Blocks = blocks
    return made


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
    raise InputError(f"demo: cannot listen on {host}, {ports} ({failed}); give another --host or --port")
