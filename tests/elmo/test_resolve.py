from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import load_bilm
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.weights import resolve
from elmo_tasks.elmo.weights.download import RemoteFile
from elmo_tasks.elmo.weights.safetensors import write_safetensors

Pair = tuple[Path, Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resolve, "_weights_cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def same(a: BiLM, b: BiLM) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_a_pair_a_folder_of_it_a_file_and_a_folder_of_shards(
    pair: Pair, random_bilm: Callable[..., BiLM], tmp_path: Path
) -> None:
    expected = random_bilm()
    write_safetensors(expected, tmp_path / "one.safetensors")
    write_safetensors(expected, tmp_path / "shards" / "model.safetensors", max_shard_bytes=3000)
    names = [
        f"{pair[0]},{pair[1]}",
        f"{pair[0]}, {pair[1]}",
        str(pair[0].parent),
        str(tmp_path / "one.safetensors"),
        str(tmp_path / "shards"),
    ]
    for name in names:
        bilm = load_bilm(name)
        assert same(bilm, expected), name
        assert not bilm.training and not any(parameter.requires_grad for parameter in bilm.parameters())


def test_the_shipped_biLM_is_the_default(
    random_bilm: Callable[..., BiLM], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_SHIPPED", tmp_path / "shipped")
    for name in ("default", "shipped"):
        with pytest.raises(InputError, match=r"this package contains no biLM; name one: small, medium, .* a folder"):
            load_bilm(name)
    write_safetensors(random_bilm(), tmp_path / "shipped" / "m.safetensors", dtype=torch.float16, max_shard_bytes=2000)
    assert load_bilm().state_dict()["token_encoder.projection.bias"].dtype == torch.float32
    assert same(load_bilm(), load_bilm("shipped"))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("small", "2x1024_128_2048cnn_1xhighway"),
        ("medium", "2x2048_256_2048cnn_1xhighway"),
        ("original", "2x4096_512_2048cnn_2xhighway"),
        ("original-5.5b", "2x4096_512_2048cnn_2xhighway_5.5B"),
    ],
)
def test_official_names(name: str, stem: str, pair: Pair, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[RemoteFile, Path]] = []

    def fetch(remote: RemoteFile, target: Path) -> None:
        asked.append((remote, target))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((pair[0] if target.suffix == ".json" else pair[1]).read_bytes())

    monkeypatch.setattr(resolve, "fetch", fetch)
    load_bilm(name)
    root = f"https://allennlp.s3.amazonaws.com/models/elmo/{stem}/elmo_{stem}"
    assert [remote.url for remote, _ in asked] == [f"{root}_options.json", f"{root}_weights.hdf5"]
    assert [target for _, target in asked] == [
        cache / name / f"elmo_{stem}_options.json",
        cache / name / f"elmo_{stem}_weights.hdf5",
    ]
    known = (asked[1][0].size, asked[1][0].sha256)
    small = (54_402_456, "747ba97abce8a5f446558369e10bb0f7931437a46867476fdd156f5d7f576229")
    assert known == (small if name == "small" else (None, None))


def test_offline_names_both_files_of_an_official_biLM(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(remote: RemoteFile, target: Path) -> None:
        raise InputError(f"cannot download {remote.url}; put that file at {target}")

    monkeypatch.setattr(resolve, "fetch", unreachable)
    both = r"needs both elmo_2x1024_\S+_options\.json and elmo_2x1024_\S+_weights\.hdf5 there"
    with pytest.raises(
        InputError, match=rf"put that file at {cache}/small/elmo_2x1024_\S+_options\.json \('small' {both}"
    ):
        load_bilm("small")


def test_addresses_share_the_cache_of_the_official_names(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "fetch", lambda remote, target: target)
    stem = "2x1024_128_2048cnn_1xhighway"
    old = f"https://s3-us-west-2.amazonaws.com/allennlp/models/elmo/{stem}/elmo_{stem}_weights.hdf5"
    assert resolve.local_file(old) == cache / "small" / f"elmo_{stem}_weights.hdf5"
    other = resolve.local_file("https://example.org/a/elmo_weights.hdf5")
    assert other.name == "elmo_weights.hdf5" and other.parent.parent == cache / "addresses"
    assert other != resolve.local_file("https://example.org/b/elmo_weights.hdf5")
    assert resolve.local_file("here/o.json") == Path("here/o.json")


def test_a_hub_repository(pair: Pair, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked: list[str] = []

    def snapshot_download(name: str, **_: object) -> str:
        asked.append(name)
        if name == "someone/nothing":
            raise OSError("404 Client Error\nRepository Not Found")
        return str(pair[0].parent)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert load_bilm("someone/elmo").n_layers == 3
    with pytest.raises(InputError, match="someone/nothing: neither a folder here nor a repository") as e:
        load_bilm("someone/nothing")
    assert asked == ["someone/elmo", "someone/nothing"] and "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["", "huge", "/no/such/folder", "../nothing/here/at/all"])
def test_a_name_of_nothing(name: str, cache: Path) -> None:
    with pytest.raises(InputError, match="no biLM named .*; choose default, shipped, small"):
        load_bilm(name)


def test_a_folder_without_weights_and_one_with_too_many(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: has 0 .hdf5 and 0 options files; expected"):
        load_bilm(str(tmp_path / "empty"))
    (pair[0].parent / "other_weights.hdf5").write_bytes(b"")
    with pytest.raises(InputError, match="has 2 .hdf5 and 1 options files; expected .*; name the two files"):
        load_bilm(str(pair[0].parent))


def test_the_weights_without_their_options(pair: Pair) -> None:
    with pytest.raises(
        InputError, match=r"tiny_weights\.hdf5: not a folder, a \.safetensors or \.zip file, or OPTIONS"
    ):
        load_bilm(str(pair[1]))


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, elmo_tasks.elmo, elmo_tasks.elmo.weights.resolve; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
