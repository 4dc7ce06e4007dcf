"""The same over HTTP: huggingface_hub's own client against a server that keeps repositories in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights_safetensors import write_safetensors
from elmo_tasks.errors import InputError
from elmo_tasks.training.sharing import push_to_hub

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)
COMMIT = "0123456789" * 4


class Hub(BaseHTTPRequestHandler):
    """Answers the calls of an upload without large-file storage and of a download."""

    repositories: ClassVar[dict[str, dict[str, bytes]]] = {}
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, value: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.split("?")[0].strip("/").split("/")
        if self.headers.get("Authorization") != "Bearer secret":
            self.answer({"error": "Invalid credentials"}, 401)
        elif parts == ["api", "repos", "create"]:
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.repositories.setdefault(name, {})
            self.answer({"url": f"http://{self.headers['Host']}/{name}"})
        elif parts == ["api", "validate-yaml"]:
            self.answer({"errors": [], "warnings": []})
        elif "preupload" in parts:
            files = [{"path": file["path"]} for file in json.loads(body)["files"]]
            self.answer({"files": [file | {"uploadMode": "regular", "shouldIgnore": False} for file in files]})
        else:
            assert "commit" in parts
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.repositories["/".join(parts[2:4])][line["value"]["path"]] = content
            address = f"https://huggingface.co/{'/'.join(parts[2:4])}/commit/{COMMIT}"
            self.answer({"commitUrl": address, "commitOid": COMMIT, "success": True})

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if name not in self.repositories:
            self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        files = self.repositories[name]
        listed = [
            {"type": "file", "path": path, "rfilename": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for path, data in files.items()
        ]
        if "tree" in parts:
            self.answer(listed)
        elif parts[0] == "api":
            self.answer({"id": name, "sha": COMMIT, "siblings": listed})
        else:
            data = files["/".join(parts[4:])]
            self.answer(data, headers={"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})

    do_HEAD = do_GET


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, bytes]]]:
    """The server's repositories; huggingface_hub finds it, and nothing else."""
    monkeypatch.setattr(Hub, "repositories", {})
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{listening.server_address[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        yield Hub.repositories
        listening.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    write_safetensors(BiLM(TINY), tmp_path / "bilm" / "bilm.safetensors")
    return tmp_path / "bilm"


def test_up_and_down(server: dict[str, dict[str, bytes]], folder: Path) -> None:
    (folder / "private.txt").write_text("not to be uploaded")
    address = push_to_hub(folder, "someone/tiny", license="mit", token="secret")
    assert address.endswith("/someone/tiny")
    assert set(server["someone/tiny"]) == {"README.md", "bilm.safetensors"}
    assert server["someone/tiny"]["bilm.safetensors"] == (folder / "bilm.safetensors").read_bytes()
    assert b"license: mit" in server["someone/tiny"]["README.md"]
    here, there = ElmoEmbedder.from_pretrained(str(folder)), ElmoEmbedder.from_pretrained("someone/tiny")
    np.testing.assert_array_equal(there.embed_sentence(["cat"]), here.embed_sentence(["cat"]))


def test_a_wrong_token_and_a_name_that_is_not_there(server: dict[str, dict[str, bytes]], folder: Path) -> None:
    with pytest.raises(InputError, match=r"someone/tiny: the Hugging Face hub did not take the upload \(.*401"):
        push_to_hub(folder, "someone/tiny", token="guessed")
    with pytest.raises(InputError, match="expected 'someone/else' to be a folder here or a repository"):
        ElmoEmbedder.from_pretrained("someone/else")
