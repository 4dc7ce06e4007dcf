"""The same over HTTP: huggingface_hub's own client against a server that keeps repositories in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import Hub
from huggingface_hub import constants

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import write_safetensors
from elmo_tasks.runs.hub import push_to_hub

TINY = BilmOptions(char_dim=3, filters=((1, 4), (2, 5)), n_highway=1, cell_dim=12, projection_dim=6, n_layers=2)


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
    with pytest.raises(InputError, match=r"someone/tiny: the Hugging Face hub rejected the upload \(.*401"):
        push_to_hub(folder, "someone/tiny", token="guessed")
    with pytest.raises(InputError, match="someone/else: neither a folder here nor a repository"):
        ElmoEmbedder.from_pretrained("someone/else")
