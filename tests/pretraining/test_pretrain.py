"""Pre-training end to end: learning by heart, exact resumption, the folder, evaluation, faults."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.elmo import batch_to_ids, load_bilm
from elmo_tasks.elmo.characters import encode_words
from elmo_tasks.elmo.engine import Engine
from elmo_tasks.pretraining import run as pretrain_run
from elmo_tasks.pretraining.bilm_folder import read_language_model
from elmo_tasks.pretraining.evaluation import evaluate_bilm
from elmo_tasks.pretraining.export import export_bilm_folder
from elmo_tasks.pretraining.objective import Objective, StreamState, Window
from elmo_tasks.pretraining.perplexity import perplexity, surprisals
from elmo_tasks.pretraining.run import pretrain
from elmo_tasks.pretraining.substitutes import substitutes


def quiet(line: str) -> None:
    pass


@pytest.mark.slow
def test_a_tiny_corpus_is_learned_by_heart(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    text.write_text("".join(text.read_text().splitlines(keepends=True)[:30]))
    config = pretraining_config(n_epochs=60, dropout=0.0, decay=0.5, learning_rate=1e-2)
    pretrain(config, [str(text)], tmp_path / "bilm", tell=quiet)
    found = evaluate_bilm(str(tmp_path / "bilm"), text)
    assert found.unknown == 0.0
    # Stateless: the first words of a sentence cannot be known, so the bound is on both directions' mean.
    assert found.mean < 3.0, found


def test_the_folder_is_a_biLM_in_both_formats(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    pretrain(pretraining_config(), [str(text)], tmp_path / "bilm", heldout=text, tell=quiet)
    folder = tmp_path / "bilm"
    ids = batch_to_ids([["the", "cat"]])
    ours = load_bilm(str(folder / "bilm.safetensors"))(ids).layers
    theirs = load_bilm(f"{folder / 'options.json'},{folder / 'weights.hdf5'}")(ids).layers
    torch.testing.assert_close(ours, theirs)
    assert json.loads((folder / "options.json").read_text())["char_cnn"]["n_characters"] == 262
    record = json.loads((folder / "metrics.json").read_text())
    assert record["heldout_perplexity"] > 1 and record["stages"][0]["corpus_tokens"] > 400
    assert f"Held-out perplexity {record['heldout_perplexity']:.2f}" in (folder / "README.md").read_text()
    assert record["curve"][-1]["tokens"] > 500
    assert 0 < record["curve"][-1]["rss_mb"] < 2 * record["peak_rss_mb"]
    assert sorted({path.name for path in folder.iterdir()} - {"tensorboard"}) == [  # where it is installed
        ".elmo-tasks",
        "README.md",
        "bilm.safetensors",
        "log",
        "metrics.json",
        "options.json",
        "plots",
        "softmax-1.safetensors",
        "stream.json",
        "vocabulary.txt",
        "weights.hdf5",
    ]


def test_training_reads_as_many_characters_as_use_does(
    pretraining_config: Any, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 10 characters per token, a longer word has the same vector in training as in use, and not that of 50."""
    word, read = "tenebrousness", list[torch.Tensor]()
    text.write_text(text.read_text() + f"{word} {word}\n" * 200)
    contextualise = Objective.contextualise

    def watch(self: Objective, window: Window, state: StreamState, vectors: torch.Tensor | None = None) -> Any:
        read.append(window.characters)
        return contextualise(self, window, state, vectors)

    monkeypatch.setattr(Objective, "contextualise", watch)
    config = pretraining_config()
    config = replace(config, bilm=replace(config.bilm, max_characters=10))
    pretrain(config, [str(text)], tmp_path / "bilm", tell=quiet)
    (trained,) = (row for row in torch.cat(read).unique(dim=0) if row[1:9].tolist() == [1 + ord(c) for c in word[:8]])
    bilm = load_bilm(str(tmp_path / "bilm" / "bilm.safetensors"))
    in_use = bilm.token_encoder(encode_words([word], 10))
    torch.testing.assert_close(bilm.token_encoder(trained[None]), in_use, rtol=0, atol=0)
    engine = Engine(bilm, precision="exact").embed([[word]])[0]
    torch.testing.assert_close(engine[0, :, : in_use.shape[1]], in_use, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(bilm.token_encoder(encode_words([word])), in_use)


def test_an_interrupted_run_ends_with_the_same_weights(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    changes = {"checkpoint_minutes": 0.0}
    pretrain(pretraining_config(), [str(text)], tmp_path / "whole", tell=quiet)
    seen = 0

    def stop(line: str) -> None:
        nonlocal seen
        seen += 1
        if line.startswith("window"):
            raise RuntimeError("pulled the plug")

    import elmo_tasks.pretraining.run as module

    every = module.Progress.__init__.__defaults__
    module.Progress.__init__.__defaults__ = (7,)
    try:
        with pytest.raises(RuntimeError, match="pulled the plug"):
            pretrain(pretraining_config(**changes), [str(text)], tmp_path / "cut", tell=stop)
    finally:
        module.Progress.__init__.__defaults__ = every
    pretrain(pretraining_config(**changes), [str(text)], tmp_path / "cut", resume=True, tell=quiet)
    for name in ("bilm.safetensors", "softmax-1.safetensors"):
        ours, theirs = load_file(tmp_path / "cut" / name), load_file(tmp_path / "whole" / name)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.slow
def test_fine_tuning_starts_from_the_other_model(
    pretraining_options: dict[str, Any], pretraining_config: Any, text: Path, tmp_path: Path
) -> None:
    pretrain(pretraining_config(n_epochs=20), [str(text)], tmp_path / "first", tell=quiet)
    pretrain(pretraining_config(n_epochs=1), [str(text)], tmp_path / "scratch", tell=quiet)
    pretrain(pretraining_config(n_epochs=1), [str(text)], tmp_path / "tuned", init=str(tmp_path / "first"), tell=quiet)
    assert evaluate_bilm(str(tmp_path / "tuned"), text).mean < evaluate_bilm(str(tmp_path / "scratch"), text).mean / 1.5
    lstm = pretraining_options["lstm"] | {"dim": 80}
    with pytest.raises(InputError, match=r"--init .*first: its .* is .*, but --config has"):
        pretrain(pretraining_config(lstm=lstm), [str(text)], tmp_path / "x", init=str(tmp_path / "first"), tell=quiet)
    assert not list(tmp_path.glob("*x*unfinished"))


@pytest.mark.parametrize("multiplied", [False, True])
def test_what_multiplies_no_bfloat16_says_so(
    pretraining_config: Any, text: Path, tmp_path: Path, multiplied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(pretrain_run, "has_bf16", lambda device: multiplied)
    told: list[str] = []
    pretrain(pretraining_config(n_epochs=0.1, precision="bf16"), [str(text)], tmp_path / "bilm", tell=told.append)
    assert any("--set precision=32" in line for line in told) is not multiplied


def test_surprisal_of_a_sentence_by_hand(pretraining_config: Any, text: Path, tmp_path: Path) -> None:
    pretrain(pretraining_config(n_epochs=1), [str(text)], tmp_path / "bilm", tell=quiet)
    model = read_language_model(str(tmp_path / "bilm"))
    words = ["the", "zebra", "runs"]
    (found,) = surprisals(model, [words])
    top = model.bilm(batch_to_ids([words]), keep_sentence_boundaries=True).layers[0, -1]  # <S> w w w </S>
    spelled = [0, *(model.vocabulary.get(word, 2) for word in words), 1]
    for step in range(4):
        ahead = torch.log_softmax(model.weight @ top[step, :24] + model.bias, 0)
        behind = torch.log_softmax(model.weight @ top[step + 1, 24:] + model.bias, 0)
        assert found[0, step].item() == pytest.approx(-ahead[spelled[step + 1]].item(), rel=1e-4)
        assert found[1, step].item() == pytest.approx(-behind[spelled[step]].item(), rel=1e-4)


def test_the_command_line(
    pretraining_options: dict[str, Any], text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "o.json").write_text(json.dumps(pretraining_options))
    assert main(["pretrain", "vocab", "--corpus", str(text), "--output", str(tmp_path / "v")]) == 0
    assert (tmp_path / "v").read_text().startswith("<S> 0\n</S> 0\n<UNK> 0\n")
    arguments = ["--corpus", str(text), "--config", str(tmp_path / "o.json"), "--output", str(tmp_path / "bilm")]
    assert main(["pretrain", *arguments, "--set", "n_epochs=1"]) == 0
    assert main(["pretrain", "eval", str(tmp_path / "bilm"), str(text)]) == 0
    assert "perplexity" in capsys.readouterr().out
    assert main(["pretrain", "eval", str(tmp_path / "bilm"), str(text), "--surprisal"]) == 0
    frame = json.loads(capsys.readouterr().out.splitlines()[0])
    assert len(frame["forward"]) == len(frame["backward"]) == len(frame["tokens"])
    assert main(["pretrain", *arguments]) == 2
    assert "already exists; choose another --output" in capsys.readouterr().err
    assert main(["pretrain", "--corpus", str(text)]) == 2
    assert "--config is missing" in capsys.readouterr().err
    (tmp_path / "bilm" / "vocabulary.txt").write_text("a\nb\nc\n")
    assert main(["pretrain", "eval", str(tmp_path / "bilm"), str(text)]) == 2
    assert "vocabulary.txt:1: the first words must be <S> </S> <UNK>, not" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trained(pretraining_config: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A biLM of two epochs on a text of three sentences."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text("the cat sees a bird .\nthe dog sees a cat .\na bird runs .\n" * 10)
    pretrain(pretraining_config(n_epochs=20), [str(folder / "text.txt")], folder / "bilm", tell=quiet)
    return folder


def test_the_export_in_shards_is_the_same_model_in_16_bits(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = export_bilm_folder(str(trained / "bilm"), out, max_shard_bytes=40_000)
    files = sorted(out.glob("*.safetensors"))
    assert len(files) > 3 and max(path.stat().st_size for path in files) < 60_000
    assert written == sorted(out.glob("[!.]*"))
    whole, halved = read_language_model(str(trained / "bilm")), read_language_model(str(out))
    assert torch.equal(halved.weight, whole.weight.half().float())
    assert torch.equal(halved.bias, whole.bias.half().float())
    assert halved.vocabulary == whole.vocabulary
    ids = batch_to_ids([["the", "cat"]])
    torch.testing.assert_close(halved.bilm(ids).layers, whole.bilm(ids).layers, atol=2e-3, rtol=1e-2)
    sentences = [["the", "cat", "runs"]]
    assert perplexity(halved, sentences).mean == pytest.approx(perplexity(whole, sentences).mean, rel=1e-2)


def test_an_export_touches_its_own_files_alone(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bilm = shutil.copytree(trained / "bilm", tmp_path / "bilm")
    before = {path: path.read_bytes() for path in bilm.rglob("*") if path.is_file()}

    def refused(output: Path, message: str, *more: str, source: Path = bilm) -> None:
        assert main(["pretrain", "export", str(source), "--output", str(output), *more]) == 2
        assert re.search(message, capsys.readouterr().err)

    refused(bilm, "bilm: already exists and is not an exported biLM made by elmo-tasks", "--overwrite")
    out = tmp_path / "out"
    for size in ("0.5", "nan", "inf"):
        refused(out, f"export: --shard-mb must be 1 or more, not {size}", "--shard-mb", size)
    out.mkdir()
    (out / "bilm.safetensors").write_text("theirs")
    for more in ((), ("--overwrite",)):
        refused(out, "out: already exists and is not an exported biLM made by elmo-tasks", *more)
    assert [path.read_text() for path in out.iterdir()] == ["theirs"]
    shutil.rmtree(out)
    export = ["pretrain", "export", str(bilm), "--output", str(out)]
    assert main(export) == 0
    refused(out, "out: already exists; choose another --output or pass --overwrite")
    refused(out, "out: this is the folder of the biLM itself", "--overwrite", source=out)
    (out / "softmax-7.safetensors").write_text("of a larger export")
    assert main([*export, "--overwrite"]) == 0 and not (out / "softmax-7.safetensors").exists()
    assert {path: path.read_bytes() for path in bilm.rglob("*") if path.is_file()} == before
    (bilm / "metrics.json").unlink()
    refused(tmp_path / "x", "bilm: not a run folder: it has no metrics.json")
    assert not (tmp_path / "x").exists()


def test_substitutes_are_the_probabilities_of_the_surprisals(trained: Path) -> None:
    model = read_language_model(str(trained / "bilm"))
    words = ["the", "cat", "sees"]
    (found,) = substitutes(model, words, [1], 100)
    assert (found.position, found.word, len(found.both)) == (1, "cat", len(model.vocabulary) - 3)
    candidates = [word for word in model.vocabulary if word not in ("<S>", "</S>", "<UNK>")]
    nats = torch.stack([next(surprisals(model, [["the", word, "sees"]])) for word in candidates])  # (V - 3, 2, T + 1)
    for direction, step in ((0, 1), (1, 2)):  # backward, `<S>` w1 .. wn: the second word is the third prediction
        expected = torch.softmax(-nats[:, direction, step], 0)
        by_word = dict((found.forward, found.backward)[direction])
        torch.testing.assert_close(torch.tensor([by_word[word] for word in candidates]), expected)
    product = torch.softmax(-nats[:, 0, 1] - nats[:, 1, 2], 0)
    torch.testing.assert_close(torch.tensor([dict(found.both)[word] for word in candidates]), product)
    assert found.both == tuple(sorted(found.both, key=lambda pair: -pair[1]))


def test_the_verbs_of_a_trained_biLM(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = str(trained / "text.txt")
    assert main(["pretrain", "eval", str(trained / "bilm"), text, "--trigram", text]) == 0
    assert re.search(r"^perplexity \d.*\ntrigram +\d+\.\d\d over the same vocabulary", capsys.readouterr().out)
    assert main(["substitutes", "the cat sees", "--bilm", str(trained / "bilm"), "--position", "2", "--top", "3"]) == 0
    shown = capsys.readouterr().out
    assert "2: cat" in shown and shown.count("%") == 9
    assert main(["substitutes", "the cat", "--bilm", str(trained / "bilm"), "--json"]) == 0
    assert [json.loads(line)["word"] for line in capsys.readouterr().out.splitlines()] == ["the", "cat"]
    assert main(["substitutes", "the cat", "--bilm", str(trained / "bilm"), "--position", "3"]) == 2
    assert "--position must be from 1 to 2" in capsys.readouterr().err
    assert main(["substitutes", "the cat", "--bilm", str(trained)]) == 2
    assert "no such vocabulary" in capsys.readouterr().err
