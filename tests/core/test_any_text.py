"""Settings, weights, vectors and our own files with arbitrary bytes are read or rejected with one line."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.files import read_object
from elmo_tasks.core.folders import kind_of
from elmo_tasks.core.seal import is_sealed
from elmo_tasks.core.yaml_text import read_yaml
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.hdf5 import read_hdf5, read_options
from elmo_tasks.elmo.weights.safetensors import read_safetensors
from elmo_tasks.embedders.words.load import load_word_vectors
from elmo_tasks.pretraining.bilm_folder import read_softmax, read_vocabulary
from elmo_tasks.pretraining.curve import read_curve
from elmo_tasks.pretraining.settings import load_pretrain_config
from elmo_tasks.runs.checkpoint import check_checkpoint
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import is_run, read_epochs, read_metrics
from elmo_tasks.runs.outcomes import read_outcomes
from elmo_tasks.runs.store import load_trained

OPTIONS = BilmOptions(char_dim=2, filters=((1, 2),), cell_dim=2, projection_dim=2).to_dict()
NASTY = [
    *("\n", "\r\n", " ", "\t", "\0", "\ufeff", "\u2028", "\ud7ff", '"', "'", ",", ":", ": ", "- ", "{", "}", "[", "]"),
    *("&a ", "*a", "<<: *a", "!!python/name:os.system", "|", ">", "? ", "...", "---", "%YAML 1.1", "2001-13-45", "0x"),
    *("null", "~", "true", "NaN", ".nan", "-.inf", "1e999", "9" * 5000, "[" * 2000, '{"a":' * 300, "0" * 30, "-1"),
    *("seed", "training", "training:\n  epochs", "model", "embedders", "elmo", "data", "task", "char_cnn", "lstm"),
    *('"char_cnn"', '"lstm"', '"n_layers"', '"embedding"', json.dumps(OPTIONS), "<S>\n</S>\n<UNK>\n", "the 1 2 3\n"),
    *('"mix"', '"dev"', '{"task": "ner"}', '"counts": [[1, 2]]', "epoch,dev\n0,1\n", "3 2\n", "1:60", "1_0", "filters"),
]
TEXTS = st.one_of(
    st.binary(max_size=100),
    st.lists(st.one_of(st.sampled_from(NASTY).map(str.encode), st.binary(max_size=3)), max_size=20).map(b"".join),
)


def packed(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("v.txt", content)
    return archive.getvalue()


def safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + b"\0" * 64


HDF5 = b"\x89HDF\r\n\x1a\n"
FASTTEXT = struct.pack("<2i", 793712314, 12)
READERS: dict[str, tuple[str, Callable[[Path], Any], Callable[[bytes], bytes]]] = {
    "yaml": ("a.yaml", read_yaml, bytes),
    "experiment": ("a.yaml", lambda path: load_experiment([path]), bytes),
    "pre-training": ("a.yaml", load_pretrain_config, bytes),
    "object": ("a.json", read_object, bytes),
    "metrics": ("metrics.json", lambda path: read_metrics(path.parent), bytes),
    "outcomes": ("outcomes.test.json", lambda path: read_outcomes(path.parent), bytes),
    "epochs": ("epochs.csv", lambda path: read_epochs(path.parent, {}), bytes),
    "marker": (".elmo-tasks", lambda path: kind_of(path.parent), bytes),
    "seal": (".seal", lambda path: is_sealed(path.with_name("config.yaml")), bytes),
    "is a run": ("model.safetensors", lambda path: is_run(path.parent), safetensors),
    "run": ("model.safetensors", lambda path: load_trained(path.parent), safetensors),
    "checkpoint": ("a.ckpt", check_checkpoint, bytes),
    "packed checkpoint": ("a.ckpt", check_checkpoint, packed),
    "options": ("options.json", read_options, bytes),
    "hdf5": (
        "w.hdf5",
        lambda path: read_hdf5(path.with_name("o.json"), path),
        lambda data: b"\x89HDF\r\n\x1a\n" + data,
    ),
    "safetensors": ("a.safetensors", lambda path: read_safetensors([path]), safetensors),
    "softmax": ("softmax-1.safetensors", lambda path: read_softmax(path.parent), safetensors),
    "vocabulary": ("vocabulary.txt", read_vocabulary, bytes),
    "curve": ("version_0/metrics.csv", lambda path: read_curve(path.parents[1]), lambda data: b"tokens,loss\n" + data),
    "vectors": ("v.txt", load_word_vectors, bytes),
    "vectors, gzipped": ("v.txt", load_word_vectors, gzip.compress),
    "vectors, zipped": ("v.txt", load_word_vectors, packed),
    "vectors, fastText": ("v.txt", load_word_vectors, lambda data: FASTTEXT + data),
    "vectors, word2vec": ("v.txt", load_word_vectors, lambda data: b"2 2\n\0" + data),
}


@pytest.mark.parametrize(("name", "reader", "wrap"), READERS.values(), ids=READERS)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=TEXTS, cut=st.integers(0, 60))
def test_read_or_one_line(
    name: str, reader: Callable[[Path], Any], wrap: Callable[[bytes], bytes], data: bytes, cut: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "o.json").write_text(json.dumps(OPTIONS))
        (place / "config.yaml").write_text("embedders: [random]\n")
        path = place / name
        path.parent.mkdir(exist_ok=True)
        whole = wrap(data)
        path.write_bytes(whole[: len(whole) - cut] if cut % 4 == 1 else whole)
        try:
            reader(path)
        except InputError as error:
            message = str(error)
            assert "\n" not in message and "\r" not in message, message
            assert message.startswith(folder) and len(message) < 1500, message
