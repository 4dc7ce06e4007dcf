from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo.bilm import BiLM
from elmo_tasks.elmo.options import BilmOptions
from elmo_tasks.elmo.weights.safetensors import read_safetensors, write_safetensors


def test_one_file_round_trip(random_bilm: Callable[..., BiLM], tmp_path: Path) -> None:
    bilm = random_bilm()
    assert write_safetensors(bilm, tmp_path / "a.safetensors") == [tmp_path / "a.safetensors"]
    again = read_safetensors([tmp_path / "a.safetensors"])
    assert again.options == bilm.options
    assert not again.training and not any(parameter.requires_grad for parameter in again.parameters())
    for name, tensor in bilm.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_shards_come_back_as_float32(
    random_bilm: Callable[..., BiLM], tmp_path: Path, dtype: torch.dtype
) -> None:
    bilm = random_bilm()
    files = write_safetensors(bilm, tmp_path / "model.safetensors", dtype=dtype, max_shard_bytes=1500)
    assert len(files) > 2 and files[0].name == f"model-00001-of-{len(files):05d}.safetensors"
    for file in files:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
            assert BilmOptions.from_json(opened.metadata()["options"]) == bilm.options
            assert len(names) == 1 or sum(opened.get_tensor(name).nbytes for name in names) <= 1500
    again = read_safetensors(files[::-1])
    for name, tensor in bilm.state_dict().items():
        assert again.state_dict()[name].dtype == torch.float32
        assert torch.equal(again.state_dict()[name], tensor.to(dtype).float()), name


def test_a_missing_shard(random_bilm: Callable[..., BiLM], tmp_path: Path) -> None:
    files = write_safetensors(random_bilm(), tmp_path / "m.safetensors", max_shard_bytes=4000)
    with pytest.raises(InputError, match=rf"shard 2 is missing of {len(files)} shards of one biLM"):
        read_safetensors([files[0], *files[2:]])


def test_two_biLMs_in_one_folder(random_bilm: Callable[..., BiLM], tmp_path: Path) -> None:
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    write_safetensors(random_bilm(), a)
    write_safetensors(random_bilm(), b)
    with pytest.raises(InputError, match="occurs twice; keep only the shards of one biLM"):
        read_safetensors([a, b])
    write_safetensors(random_bilm(BilmOptions(char_dim=2, filters=((1, 4),), cell_dim=8, projection_dim=2)), b)
    with pytest.raises(InputError, match=r"b\.safetensors: the options differ from those of a\.safetensors"):
        read_safetensors([a, b])


def test_options_that_do_not_fit(random_bilm: Callable[..., BiLM], tmp_path: Path) -> None:
    bilm, path = random_bilm(), tmp_path / "a.safetensors"
    wrong = replace(bilm.options, cell_dim=10)
    save_file(bilm.state_dict(), path, metadata={"options": wrong.to_json()})
    with pytest.raises(
        InputError, match=r"the shape of forward_layers\.0\.weight_ih is \(48, 6\), but \(40, 6\) in the options"
    ):
        read_safetensors([path])


def test_not_a_biLM_of_ours(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="the metadata has no options of a biLM"):
        read_safetensors([tmp_path / "x.safetensors"])


@pytest.mark.parametrize("keep", [0, 5, 300, 4000])
def test_a_truncated_file(random_bilm: Callable[..., BiLM], tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(random_bilm(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a safetensors file, or damaged or truncated") as caught:
        read_safetensors([path])
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; expected the safetensors weights of a biLM"):
        read_safetensors([tmp_path / "none.safetensors"])
