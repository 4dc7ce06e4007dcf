"""The page behind a local web server. The only module that sees Gradio."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Lock

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.memory import keep_freed_memory
from elmo_tasks.demo.page import HEADING, answer, script, style
from elmo_tasks.demo.runs import Shown

EXAMPLES = (
    "The mayor of Geneva sold her bank shares yesterday, and Anna Keller bought a charming house near the river bank.",
    "The dog began to bark when Anna leaned on the rough bark of the old oak.",
    "What a charming little film, so warm and so clever!",
)


def serve(shown: Shown, *, host: str, port: int | None, browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted.

    host: the address that is listened on; port: None is the first free one from 7860 on; browser: open the page there;
    tell: gets the page's address.

    Nothing is fetched from or sent to another host: no telemetry, no shared link, fonts of the system.

    Raises:
        InputError: the port is taken, or the address is not one of this machine's.
    """
    import gradio

    _check_free(host, port)
    keep_freed_memory()
    turn = Lock()  # one answer at a time: embedders keep what they have seen, and are not made for threads

    def say(text: str, tokenised: bool = False) -> str:
        with turn:
            return answer(shown, text, tokenised)

    with gradio.Blocks(title="elmo-tasks", analytics_enabled=False, fill_width=True) as blocks:
        gradio.HTML(HEADING)
        with gradio.Row(equal_height=True):
            text = gradio.Textbox(EXAMPLES[0], max_lines=6, label="A sentence", scale=8, elem_id="text")
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
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port,
        inbrowser=browser,
        quiet=True,
        prevent_thread_lock=True,
        share=False,
        mcp_server=False,
        ssr_mode=False,  # it would start a server of Node
        run_history=False,  # nothing typed is kept in the browser
        max_file_size=1,  # the page takes no files
        footer_links=[],
        theme=gradio.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        css=style(),
    )
    tell(f"{address} (Ctrl-C ends it)")
    blocks.block_thread()


def _check_free(host: str, port: int | None) -> None:
    """Gradio says it less plainly, and in several lines."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port or 0))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"demo: expected an address of this machine and a free port, got {host} and {port} ({error}); give another "
            "--host or --port"
        ) from None
