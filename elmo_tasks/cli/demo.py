"""`elmo-tasks demo`."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from elmo_tasks.cli.verb import Verbs, add_hardware, add_run_options, add_verb, use_threads
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.terminal import say


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    demo = add_verb(
        verbs,
        "demo",
        "serve a local web page that shows what taggers and runs find in a text",
        ("demo", "demo runs/ner runs/sentiment --port 8000 --no-browser"),
    )
    demo.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        help="folder of a run, name of a tagger in the package, or hf:ORG/NAME on the Hugging Face hub (default: all "
        "taggers in the package)",
    )
    demo.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, only this machine)",
    )
    demo.add_argument("--port", metavar="N", type=int, help="port to listen on (default: the first free one from 7860)")
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    add_run_options(demo)
    add_hardware(demo)
    demo.set_defaults(verb=_demo)


def _demo(options: argparse.Namespace) -> None:
    if not all(map(find_spec, ("starlette", "uvicorn"))):
        raise InputError("demo: the web server is not installed; run: pip install 'elmo-tasks[demo]'")
    use_threads(options.threads)
    from elmo_tasks.demo.runs import load_runs
    from elmo_tasks.demo.server import serve

    runs = load_runs(options.runs, task_file=options.task_file, trust=options.trust)
    serve(runs, host=options.host, port=options.port, browser=not options.no_browser, tell=say)
