"""A `python` that starts in no time: each command runs in a fork of one process that has already imported torch.

    python warm_python.py SOCKET MODULE...        the server: import the modules, then answer until its input is closed
    python -IS warm_python.py SOCKET -m MODULE    a client: does what `python -m MODULE` (or FILE, or -c CODE) does

The fork gets the client's arguments, folder, environment and standard streams; the client gets its exit code or signal.
What imports read from the environment, before the fork, has to be the same for both: a client that differs is refused.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys

READ_AT_IMPORT = ("HF_", "MKL_", "MPL", "NUMBA_", "OMP_", "PYTHONPATH")


# What most commands import.
MODULES = (
    "lightning",
    "numba",
    "seqeval.metrics",
    "sklearn.metrics",
    "torchcrf",
    "elmo_tasks.corpus_vectors.embedding",
    "elmo_tasks.pretraining.run",
    "elmo_tasks.training.train",
)
TYPE_CHECKING = False
if TYPE_CHECKING:  # a client has no time for typing and pathlib
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def started(
    socket: "Path", environment: "Mapping[str, str]", modules: "Sequence[str]" = MODULES
) -> "Iterator[list[str]]":
    """For fixtures: start a server at a path, give the words that stand for `python`, end the server."""
    import subprocess

    command = [sys.executable, __file__, str(socket), *modules]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield [sys.executable, "-IS", __file__, str(socket)]
        server.stdin.close()
    assert server.returncode == 0


def settled() -> dict[str, str]:
    """The part of the environment that imports have read."""
    return {name: value for name, value in os.environ.items() if name.startswith(READ_AT_IMPORT)}


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run by the server. Returns its exit code; dies of the signal that it died of."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        body = json.dumps(request).encode()
        socket.send_fds(server, [len(body).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(body)
        answers = server.makefile()
        if (process := answers.readline().strip()).startswith("refused"):
            print(f"warm_python: {process}", file=sys.stderr)
            return 97
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda got, _: os.kill(int(process), got))
        code = int(answers.readline())
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def serve(address: str) -> list[str]:
    """Fork for every request. Returns in the forks, each with the arguments of its command."""
    import select

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        forks = set()
        while True:
            ready, _, _ = select.select([listening, 0], [], [])
            if 0 in ready:
                os._exit(0)
            forks -= {fork for fork in forks if os.waitpid(fork, os.WNOHANG)[0]}  # their time counts as the server's
            connection, _ = listening.accept()
            if not (fork := os.fork()):
                break
            forks.add(fork)
            connection.close()
    return answer(connection)


def answer(connection: socket.socket) -> list[str]:
    """Fork once more, tell the client the fork's process and exit code. Returns in the fork, with its arguments."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    request = json.loads(connection.makefile("rb").read(int.from_bytes(size, "big")))
    before = settled()
    os.environ.clear()
    os.environ.update(request["environment"])
    if differing := sorted(name for name, _ in before.items() ^ settled().items()):
        connection.sendall(
            f"refused: {', '.join(dict.fromkeys(differing))} differs from what the server has\n".encode()
        )
        os._exit(0)
    process = os.fork()
    if process:
        with contextlib.suppress(BrokenPipeError):  # the client has been killed
            connection.sendall(f"{process}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(f"{code}\n".encode())
        os._exit(0)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    return request["arguments"]


def run(arguments: list[str]) -> None:
    """What `python ARGUMENTS` does: a module, code or a file as `__main__`; anything else by a new interpreter."""
    import runpy

    first, *rest = arguments or [""]
    if first == "-m":
        sys.argv, sys.path[0] = rest, os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), vars(sys.modules["__main__"]))
    elif not first or first.startswith("-"):
        os.execv(sys.executable, [sys.executable, *arguments])
    else:
        sys.argv, sys.path[0] = arguments, os.path.dirname(os.path.abspath(first))
        runpy.run_path(first, run_name="__main__")


def end(code: int) -> None:
    """End as an interpreter does, but leave the memory that is shared with the server alone: clearing it copies it."""
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 120
    os._exit(code)


if __name__ == "__main__":
    address, *words = sys.argv[1:]
    if sys.flags.isolated:
        sys.exit(ask(address, words))
    for module in words:
        __import__(module)
    gc.freeze()
    words = serve(address)
    try:
        run(words)
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        end(1 if isinstance(stop.code, str) else int(stop.code or 0))
    except BaseException:
        sys.excepthook(*sys.exc_info())
        end(1)
    end(0)
