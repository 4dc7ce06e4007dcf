"""`ElmoEmbedder`, against the biLM itself and against the layout of AllenNLP's HDF5 files."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder, batch_to_ids
from elmo_tasks.elmo.weights.hdf5 import read_hdf5

Pair = tuple[Path, Path]
SENTENCES = [["The", "cat", "sat", "."], ["No", "👍"], []]


@pytest.fixture
def elmo(pair: Pair) -> ElmoEmbedder:
    return ElmoEmbedder(str(pair[0]), str(pair[1]))


def test_a_batch_is_the_layers_without_padding(elmo: ElmoEmbedder, pair: Pair) -> None:
    found = elmo.embed_batch(SENTENCES)
    assert [vectors.shape for vectors in found] == [(3, 4, 12), (3, 2, 12), (3, 0, 12)]
    assert all(vectors.dtype == np.float32 for vectors in found)
    bilm = read_hdf5(*pair)
    for words, vectors in zip(SENTENCES[:2], found, strict=False):
        np.testing.assert_allclose(vectors, bilm(batch_to_ids([words])).layers[0].numpy(), atol=3e-6)


def test_sentence_batch_and_stream_agree(elmo: ElmoEmbedder) -> None:
    batch = elmo.embed_batch(SENTENCES)
    stream = list(elmo.embed_sentences(iter(SENTENCES), batch_size=2))
    for words, one, other in zip(SENTENCES, batch, stream, strict=True):
        np.testing.assert_allclose(elmo.embed_sentence(words), one, atol=3e-6)
        np.testing.assert_allclose(other, one, atol=3e-6)


def test_nothing_and_nothing_but_empty_sentences(elmo: ElmoEmbedder) -> None:
    assert elmo.embed_batch([]) == [] and list(elmo.embed_sentences([])) == []
    assert [vectors.shape for vectors in elmo.embed_batch([[], []])] == [(3, 0, 12)] * 2


def test_batch_to_embeddings_has_padding_and_a_mask(elmo: ElmoEmbedder) -> None:
    layers, mask = elmo.batch_to_embeddings(SENTENCES)
    assert layers.shape == (3, 3, 4, 12) and mask.tolist()[1] == [True, True, False, False]
    assert not layers[1, :, 2:].any()


def test_a_file_of_all_layers(elmo: ElmoEmbedder, tmp_path: Path) -> None:
    text = io.StringIO("The cat sat .\n No 👍 \nThe cat sat .\n")
    elmo.embed_file(text, tmp_path / "out.hdf5", batch_size=2)
    assert text.closed
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert set(file) == {"0", "1", "2", "sentence_to_index"}
        assert file["1"].shape == (3, 2, 12) and file["1"].dtype == np.float32
        np.testing.assert_allclose(file["1"][...], elmo.embed_sentence(["No", "👍"]), atol=3e-6)
        assert file["sentence_to_index"].shape == (1,)
        assert json.loads(file["sentence_to_index"][0]) == {"The cat sat .": "2", "No 👍": "1"}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.hdf5"]


@pytest.mark.parametrize("output_format", ["top", "average"])
def test_a_file_of_one_layer(elmo: ElmoEmbedder, tmp_path: Path, output_format: str) -> None:
    elmo.embed_file(io.StringIO("No 👍\n"), str(tmp_path / "out.hdf5"), output_format, forget_sentences=True)
    layers = elmo.embed_sentence(["No", "👍"])
    expected = layers[2] if output_format == "top" else sum(layers) / 3
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert set(file) == {"0"}
        np.testing.assert_allclose(file["0"][...], expected, atol=3e-6)


def test_sentences_as_keys(elmo: ElmoEmbedder, tmp_path: Path) -> None:
    elmo.embed_file(io.StringIO("No 👍\nHe / she\n"), tmp_path / "out.hdf5", use_sentence_keys=True)
    with h5py.File(tmp_path / "out.hdf5") as file:
        assert "sentence_to_index" not in file
        assert file["No 👍"].shape == (3, 2, 12) and file["He / she"].shape == (3, 3, 12)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a b\n\nc\n", {}, r"input:2: blank line; remove it"),
        ("a\n", {"output_format": "first"}, r"output_format must be one of all, top, average, not 'first'"),
        ("a\nb\na\n", {"use_sentence_keys": True}, r"input:3: the sentence 'a' occurs twice or cannot be a key"),
        ("a\n.\n", {"use_sentence_keys": True}, r"input:2: the sentence '\.' occurs twice or cannot be a key"),
    ],
)
def test_faults_of_a_file(
    elmo: ElmoEmbedder, tmp_path: Path, text: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        elmo.embed_file(io.StringIO(text), tmp_path / "out.hdf5", **options)  # type: ignore[arg-type]
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_nowhere_to_write(elmo: ElmoEmbedder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none/out.hdf5: cannot be written .*; choose another"):
        elmo.embed_file(io.StringIO("a\n"), tmp_path / "none" / "out.hdf5")


def test_by_name_and_by_one_file_only(elmo: ElmoEmbedder, pair: Pair) -> None:
    named = ElmoEmbedder.from_pretrained(f"{pair[0]},{pair[1]}")
    np.testing.assert_array_equal(named.embed_sentence(["cat"]), elmo.embed_sentence(["cat"]))
    with pytest.raises(InputError, match="options_file and weight_file must be given together"):
        ElmoEmbedder(str(pair[0]))


def test_a_device_that_is_not_there(pair: Pair) -> None:
    with pytest.raises(InputError, match="cuda_device must be below .*, not 99; -1 is the CPU"):
        ElmoEmbedder(*pair, cuda_device=99)


def test_a_full_disk_is_no_end_of_the_process(tmp_path: Path, warm_python: list[str]) -> None:
    """HDF5 crashes at its end where the system refuses a write."""
    program = """
import resource, sys
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import ElmoEmbedder
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    ElmoEmbedder().embed_file(open("text.txt"), "out.hdf5")
except InputError as error:
    print(error)
"""
    (tmp_path / "text.txt").write_text("so it goes on and on\n" * 50)
    done = subprocess.run([*warm_python, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "out.hdf5: cannot be written" in done.stdout, done
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
