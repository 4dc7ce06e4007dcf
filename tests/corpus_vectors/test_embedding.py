"""Files have the vectors that the embedder computes, in every format; a resumed run writes the same bytes."""

from __future__ import annotations

import io
import json
import lzma
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors import safetensors_file
from elmo_tasks.corpus_vectors.block_embedder import Recipe
from elmo_tasks.corpus_vectors.embedding import Embedded, embed_corpus
from elmo_tasks.corpus_vectors.part import read_part
from elmo_tasks.embedders.elmo import BilmEmbedder

FORMATS = (".hdf5", ".safetensors", ".parquet", ".arrow")


def embed(text: Path, output: str, embedder: str, **options: object) -> Embedded:
    keys = ("layers", "dtype", "precision", "batch_tokens")
    recipe = Recipe(embedder, **{key: options.pop(key) for key in keys if key in options})  # type: ignore[arg-type]
    return embed_corpus(text, Path(output), recipe, **options)  # type: ignore[arg-type]


def sentences(text: Path) -> list[list[str]]:
    return [line.split() for line in text.read_text(encoding="utf-8").split("\n")[:-1]]


def read(path: str) -> list[np.ndarray]:
    """The vectors of each line, by each format's own library."""
    if path.endswith(".hdf5"):
        with h5py.File(path) as file:
            return [file[str(number)][()] for number in range(len(file) - 1)]
    if path.endswith(".safetensors"):
        tensors = load_file(path)
        return [tensors[str(number)] for number in range(len(tensors))]
    rows = pyarrow.parquet.read_table(path) if path.endswith(".parquet") else pa.ipc.open_file(path).read_all()
    assert rows.column("index").to_pylist() == list(range(len(rows)))
    assert rows.column("tokens").to_pylist() == sentences(Path("text.txt"))
    return [np.array(row["vectors"], np.float32).reshape(row["shape"]) for row in rows.to_pylist()]


@pytest.mark.parametrize("suffix", FORMATS)
def test_vectors_are_those_of_the_embedder(text: Path, bilm: str, suffix: str) -> None:
    done = embed(text, f"out{suffix}", bilm, precision="exact")
    assert (done.sentences, done.tokens, done.files) == (19, 65, [Path(f"out{suffix}")])
    expected = BilmEmbedder(bilm.partition(":")[2], precision="exact").embed(sentences(text))
    for mine, layers in zip(read(f"out{suffix}"), expected, strict=True):
        assert mine.dtype == np.float32 and mine.shape == layers.shape
        np.testing.assert_allclose(mine, layers.numpy(), rtol=1e-5, atol=1e-6)
    assert sorted(path.name for path in Path().iterdir()) == ["bilm.safetensors", f"out{suffix}", "text.txt"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("layers", ["average", "1"])
def test_one_layer_and_the_average_in_half_precision(text: Path, bilm: str, suffix: str, layers: str) -> None:
    embed(text, f"out{suffix}", bilm, precision="exact", layers=layers, dtype="float16")
    whole = BilmEmbedder(bilm.partition(":")[2], precision="exact").embed(sentences(text))
    for mine, every in zip(read(f"out{suffix}"), whole, strict=True):
        expected = every.mean(0) if layers == "average" else every[1]
        np.testing.assert_allclose(mine, expected.numpy(), atol=2e-3)
        assert mine.shape == expected.shape


def test_hdf5_is_laid_out_as_allennlp_does(text: Path) -> None:
    embed(text, "out.hdf5", "random")
    with h5py.File("out.hdf5") as file:
        # As AllenNLP's readers look a sentence up.
        index = json.loads(file["sentence_to_index"][0])
        assert file[index["The cat sat ."]].shape == (1, 4, 50)
        assert index["The cat sat ."] == "4"  # the last of two
        assert index["A  cat\tsat ."] == "2" and "" not in index
        assert file["sentence_to_index"].shape == (1,) and file["1"].shape == (1, 0, 50)


def test_shards_have_an_index(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(text, "whole.safetensors", "random")
    monkeypatch.setattr(safetensors_file, "SHARD_BYTES", 4000)
    done = embed(text, "out.safetensors", "random")
    index = json.loads(Path("out.safetensors.index.json").read_text())
    assert [path.name for path in done.files] == [
        *sorted(set(index["weight_map"].values())),
        "out.safetensors.index.json",
    ]
    assert len(done.files) > 3 and done.files[0].name == f"out-00001-of-{len(done.files) - 1:05d}.safetensors"
    found = {key: tensor for path in done.files[:-1] for key, tensor in load_file(path).items()}
    assert list(index["weight_map"]) == [str(number) for number in range(19)]
    for key, tensor in load_file("whole.safetensors").items():
        assert np.array_equal(found[key], tensor) and key in load_file(index["weight_map"][key])
    assert sum(path.stat().st_mode & 0o044 for path in done.files) > 0
    with pytest.raises(InputError, match="already exists; choose another"):
        embed(text, "out.safetensors", "random")
    monkeypatch.undo()
    embed(text, str(Path(text.parent) / "out.safetensors"), "random", overwrite=True)
    assert not list(text.parent.glob("out-*")) and not (text.parent / "out.safetensors.index.json").exists()


def test_standard_input_and_compressed_text(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(text, "file.hdf5", "random")
    packed = Path("text.txt.xz")
    packed.write_bytes(lzma.compress(text.read_bytes()))
    embed(packed, "packed.hdf5", "random")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.read_bytes())))
    embed(Path("-"), "stdin.hdf5", "random")
    assert Path("file.hdf5").read_bytes() == Path("packed.hdf5").read_bytes() == Path("stdin.hdf5").read_bytes()
    assert not list(Path().glob(".*"))


PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from elmo_tasks.corpus_vectors import embedding, sentence_block
from elmo_tasks.corpus_vectors.block_embedder import Recipe
sentence_block.MOST_TOKENS = 16
stage, place = sys.argv[4], int(sys.argv[5])
calls = []
def watch(now, done, total):
    if now == stage:
        calls.append(done)
        if len(calls) == place:
            os.kill(os.getpid(), signal.SIGKILL)
recipe = Recipe(sys.argv[2], precision="exact")
embedding.embed_corpus(Path(sys.argv[1]), Path(sys.argv[3]), recipe, watch=watch)
"""


@pytest.mark.parametrize(
    ("suffix", "stage"), [(".hdf5", "computing"), (".parquet", "writing"), (".safetensors", "computing")]
)
def test_a_killed_run_goes_on_to_the_same_bytes(
    text: Path, bilm: str, suffix: str, stage: str, warm_python: list[str]
) -> None:
    output = f"out{suffix}"
    killed = subprocess.run([*warm_python, "-c", PROGRAM, text, bilm, output, stage, "3"], check=False)
    assert killed.returncode == -signal.SIGKILL and not Path(output).exists()
    with pytest.raises(InputError, match=f"{output}: there is an unfinished output; continue it with --resume"):
        embed(text, output, bilm, precision="exact")
    with pytest.raises(InputError, match="the unfinished output has layers 'all', not '0'"):
        embed(text, output, bilm, precision="exact", layers="0", resume=True)
    done = embed(text, output, bilm, precision="exact", resume=True)
    assert done.computed == {"computing": 65 - 48, "writing": 0}[stage]
    embed(text, f"whole{suffix}", bilm, precision="exact")
    assert Path(output).read_bytes() == Path(f"whole{suffix}").read_bytes()
    assert not list(Path().glob(".*"))


def test_a_damaged_part_is_computed_again(text: Path, bilm: str, warm_python: list[str]) -> None:
    subprocess.run([*warm_python, "-c", PROGRAM, text, bilm, "out.arrow", "writing", "1"], check=False)
    parts = sorted(Path(".out.arrow.partial/parts").iterdir())
    parts[1].write_bytes(parts[1].read_bytes()[:-1])
    parts[2].write_bytes(b"")
    assert 0 < embed(text, "out.arrow", bilm, precision="exact", resume=True).computed < 65
    embed(text, "whole.arrow", bilm, precision="exact")
    assert Path("out.arrow").read_bytes() == Path("whole.arrow").read_bytes()


def test_a_bit_that_flips_in_a_finished_part_is_noticed(text: Path, bilm: str, warm_python: list[str]) -> None:
    subprocess.run([*warm_python, "-c", PROGRAM, text, bilm, "out.arrow", "writing", "1"], check=False)
    part = sorted(Path(".out.arrow.partial/parts").iterdir())[1]
    damaged = bytearray(part.read_bytes())
    damaged[-100] ^= 1
    part.write_bytes(damaged)
    with pytest.raises(InputError, match="is damaged; run the same command with --resume"):
        read_part(part)
    assert 0 < embed(text, "out.arrow", bilm, precision="exact", resume=True).computed < 65
    embed(text, "whole.arrow", bilm, precision="exact")
    assert Path("out.arrow").read_bytes() == Path("whole.arrow").read_bytes()


def test_a_changed_text_is_not_gone_on_with(text: Path, bilm: str, warm_python: list[str]) -> None:
    subprocess.run([*warm_python, "-c", PROGRAM, text, bilm, "out.arrow", "computing", "1"], check=False)
    text.write_text("Another text .\n")
    with pytest.raises(InputError, match="the unfinished output has text"):
        embed(text, "out.arrow", bilm, precision="exact", resume=True)
    assert embed(text, "out.arrow", bilm, overwrite=True).tokens == 3


def test_a_line_longer_than_a_block(text: Path, bilm: str) -> None:
    text.write_text("a b\n" + "word " * 1000 + "\nc\n")
    embed(text, "out.hdf5", bilm)
    assert [vectors.shape for vectors in read("out.hdf5")] == [(3, 2, 12), (3, 1000, 12), (3, 1, 12)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the text has no words; expected one tokenised sentence per line"),
        (b"\n \n\t\n", "the text has no words; expected one tokenised sentence per line"),
        (b"fine\n\xff\xfe\n", "text.txt:2: the byte 0xff is not valid UTF-8"),
        (b"a\0b\n", "text.txt:1: binary data"),
    ],
)
def test_odd_text(text: Path, data: bytes, message: str) -> None:
    text.write_bytes(data)
    with pytest.raises(InputError, match=message):
        embed(text, "out.hdf5", "random")
    assert sorted(path.name for path in Path().iterdir()) == ["text.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "out.npz"}, "--output must end in one of .hdf5, .h5, .safetensors, .parquet, .arrow"),
        ({"output": "text.txt/out.hdf5"}, "out.hdf5: cannot be written \\(a file is in the way\\); choose another"),
        ({"output": "."}, "--output must end in one of"),
        ({"layers": "3"}, "--layers must be all, average or 0 to 0 for random, not '3'"),
        ({"layers": "top"}, "--layers must be all, average or 0 to 0"),
        ({"precision": "fast"}, "--precision and --batch-tokens only apply to elmo, not to 'random'"),
        ({"embedder": "chars"}, "'chars' has no frozen vectors"),
        ({"embedder": "rando"}, "did you mean random?"),
    ],
)
def test_wrong_options(text: Path, options: dict[str, str], message: str) -> None:
    given = {"output": "out.hdf5", "embedder": "random"} | options
    with pytest.raises(InputError, match=message):
        embed(text, given.pop("output"), given.pop("embedder"), **given)


def test_numbers_beyond_half_precision(text: Path) -> None:
    Path("large.txt").write_text("The 1e6 2\ncat 1 2\n")
    with pytest.raises(InputError, match="--dtype float16: a value is above 65504"):
        embed(text, "out.hdf5", "glove:large.txt", dtype="float16")


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
from elmo_tasks.cli import main
sys.exit(main(["embed", "random", sys.argv[1], "--output", sys.argv[2]]))
"""


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_is_one_line(text: Path, suffix: str, warm_python: list[str]) -> None:
    """The system refuses files of more than 2 MB: each of the three parts fits, the output of 3.6 MB does not."""
    text.write_text("so it goes on and on\n" * 3000)
    done = subprocess.run(
        [*warm_python, "-c", FULL, text, f"out{suffix}", "2000000"], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stderr.splitlines() if line]
    assert done.returncode == 2 and len(lines) == 1 and "no space left on this disk" in lines[0], done.stderr
    assert not Path(f"out{suffix}").exists() and len(list(Path(f".out{suffix}.partial/parts").iterdir())) == 3
