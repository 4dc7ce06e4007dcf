"""Runs trained by others: nothing outside the folder of the run is read, and no address is opened."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from corpora import make_corpus
from elmo_tasks.cli import main
from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import cache_root
from elmo_tasks.core.seal import SEAL
from elmo_tasks.embedders.confinement import confined
from elmo_tasks.embedders.protocol import Request
from elmo_tasks.embedders.registry import PROVIDERS
from elmo_tasks.integrations.sklearn.tagger import ElmoTagger
from elmo_tasks.runs.collect import collect
from elmo_tasks.runs.evaluate import evaluate
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.hub import push_to_hub
from elmo_tasks.runs.run import load as load_run
from elmo_tasks.training.train import train

SECRET = "root:x:0:0:secret"
VECTORS = "lives 1 2 3\nin 3 2 1\n"


class _Server(ThreadingHTTPServer):
    asked: list[str]


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.asked.append(self.path)
        self.send_error(404)

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Answer) as listening:
        listening.asked = []
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on `glove:vectors.txt`, a relative path, and with the cache of the user who trained it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "vectors.txt").write_text(VECTORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ELMO_TASKS_CACHE", str(folder / "cache"))
        _trained(make_corpus(folder / "corpus"), "glove:vectors.txt", folder / "run")
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run, with the vectors in the current folder."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "text.txt").write_text("Ada lives in Rome .\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "run"


@pytest.fixture
def corpus(run: Path) -> Path:
    """What it was trained on."""
    return run.parent / "corpus"


def _trained(corpus: Path, embedder: str, output: Path) -> Path:
    given = {"data": str(corpus), "embedders": [embedder]}
    experiment = load_experiment([], given, ["model.hidden=2", "training.epochs=1", "training.min_updates=0"])
    return train(experiment, output, tell=lambda line: None).folder


def _rewrite(folder: Path, **changes: object) -> None:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))


def _elsewhere() -> None:
    """From here on the user is another one: of the runs so far none is theirs."""
    (cache_root() / "seal.key").unlink()


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert "x:0:0" not in said.out + said.err and len(said.err.splitlines()) == 1
    return said.err


def test_a_run_that_was_trained_here_reads_what_it_was_trained_on(corpus: Path, run: Path, tmp_path: Path) -> None:
    own = _trained(corpus, f"glove:{tmp_path / 'vectors.txt'}", tmp_path / "own")
    moved = own.rename(tmp_path / "moved")
    load_run(moved)
    load_run(shutil.copytree(moved, tmp_path / "copied"))
    load_run(run)
    assert (cache_root() / "seal.key").stat().st_mode & 0o077 == 0
    _elsewhere()
    with pytest.raises(InputError, match="outside its folder; if you trust its author, pass --trust") as refusal:
        load_run(moved)
    assert str(moved) in str(refusal.value)
    load_run(moved, trust=True)
    assert evaluate(moved, str(corpus), trust=True)
    assert not (cache_root() / "seal.key").exists()  # loading seals nothing


def test_a_changed_configuration_is_not_one_that_was_trained_here(run: Path, tmp_path: Path) -> None:
    _rewrite(run, embedders=[f"glove:{tmp_path / 'vectors.txt'}"])
    with pytest.raises(InputError, match="not trained here"):
        load_run(run)


def test_a_seal_of_another_users_is_none(corpus: Path, run: Path, tmp_path: Path) -> None:
    (run / SEAL).write_text((run / SEAL).read_text()[::-1])
    with pytest.raises(InputError, match="no such file"):  # relative to the run now
        load_run(run)
    (run / SEAL).unlink()
    os.mkfifo(run / SEAL)  # read by nobody
    with pytest.raises(InputError, match="no such file"):
        load_run(run)


def test_relative_paths_of_a_shared_run_are_relative_to_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _elsewhere()
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    with pytest.raises(InputError, match=r"run/vectors\.txt: no such file"):
        load_run(run)
    shutil.move(tmp_path / "vectors.txt", run / "vectors.txt")
    assert load_run(run).trained.experiment.embedders == ("glove:vectors.txt",)


@pytest.mark.parametrize("place", ["/etc/passwd", "{}/secret", "~/secret", "../secret", "link", "x/../../secret"])
@pytest.mark.parametrize("kind", ["glove:", "elmo:", "elmo:options.json,", "transformer:", "glove", "elmo"])
def test_a_shared_run_reads_nothing_outside_its_folder(
    kind: str, place: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "link").symlink_to(tmp_path / "secret")
    place = place.format(tmp_path)
    if kind.endswith((":", ",")):
        _rewrite(run, embedders=[kind + place])
    else:
        _rewrite(run, embedders=[kind], **{kind: {{"glove": "path", "elmo": "weights"}[kind]: place}})
    for verb in (["predict", str(run), "text.txt"], ["evaluate", str(run)]):
        assert "which is outside its folder" in _refused(verb, capsys)


def test_a_shared_run_opens_no_address(
    run: Path, server: _Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{server.server_address[1]}"
    for name in (
        f"elmo:{address}/options.json,{address}/weights.hdf5",
        f"elmo:{address}/weights.safetensors",
        f"elmo:secret,{address}/weights.hdf5",
        f"glove:{address}/vectors.txt",
        f"transformer:{address}/encoder",
    ):
        _rewrite(run, embedders=[name])
        assert "which is outside its folder" in _refused(["predict", str(run), "text.txt"], capsys)
    _rewrite(run, embedders=["elmo"], elmo={"weights": f"{address}/options.json,{address}/weights.hdf5"})
    assert "which is outside its folder" in _refused(["evaluate", str(run)], capsys)
    assert not server.asked
    assert main(["predict", str(run), "text.txt", "--trust"]) == 2  # no such file there
    assert server.asked


@pytest.mark.parametrize("data", ["{}/secret", "/etc", "corpus", "corpus:test", "~", "secret"])
def test_a_shared_run_does_not_say_which_data_to_read(
    data: str, run: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(tmp_path / "vectors.txt", run)
    _rewrite(run, data=data.format(tmp_path))
    assert "name the data to score: --data DIR" in _refused(["evaluate", str(run)], capsys)
    assert main(["evaluate", str(run), "--data", str(corpus)]) == 0


def test_a_shared_run_may_name_data_of_the_catalog(run: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "vectors.txt", run)
    _rewrite(run, data="sample")
    assert evaluate(run)


@pytest.mark.parametrize("name", ["config.yaml", "metrics.json", "words.txt", "model.safetensors"])
def test_a_link_or_a_pipe_is_no_file_of_a_shared_run(
    name: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = (run / name).rename(tmp_path / "kept")
    (run / name).symlink_to(own)
    if name != "metrics.json":
        load_run(run)  # trained here: large files may be on another disk
    _elsewhere()
    verb = ["report", str(run)] if name == "metrics.json" else ["predict", str(run), "text.txt"]
    assert "are not followed" in _refused(verb, capsys)
    with pytest.raises(InputError, match="are not followed"):
        push_to_hub(run, "someone/x")
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(InputError, match="is a pipe or device, not a regular file"):
        collect([run]) if name == "metrics.json" else load_run(run)


def test_estimators_take_runs_as_the_command_line_does(corpus: Path, run: Path, tmp_path: Path) -> None:
    tagger = ElmoTagger.load(run)
    assert pickle.loads(pickle.dumps(tagger)).predict([["Ada"]])
    tagger.save(tmp_path / "saved")
    load_run(tmp_path / "saved")
    _elsewhere()
    with pytest.raises(InputError, match="no such file"):
        ElmoTagger.load(run)
    trusting = ElmoTagger.load(run, trust=True)
    assert pickle.loads(pickle.dumps(trusting)).predict([["Ada"]])
    trusting.save(tmp_path / "again")
    with pytest.raises(InputError, match="no such file"):  # saving does not make it this user's
        load_run(tmp_path / "again")


def test_a_shared_run_asks_for_no_more_memory_than_its_weights(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(tmp_path / "vectors.txt", run)
    _rewrite(run, model={"hidden": 10_000_000})  # 1.6 PB
    assert "does not fit its config.yaml: the shape of" in _refused(["predict", str(run), "text.txt"], capsys)


@pytest.mark.parametrize("kind", [kind for kind, provider in PROVIDERS.items() if provider.detail])
def test_every_embedder_that_reads_files_is_confined(kind: str, tmp_path: Path) -> None:
    provider = PROVIDERS[kind]
    request = Request(f"{kind}:/x", "/x", within=tmp_path)
    with pytest.raises(InputError, match="outside its folder"):
        provider.build(request, provider.settings())


def test_confined(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "org" / "here").mkdir(parents=True)
    (folder / "circle").symlink_to("circle")
    assert confined("a/b", folder) == str(folder / "a/b")
    assert confined("org/here", folder, hub=True) == str(folder / "org/here")
    assert confined("org/name", folder, hub=True) == confined("hf:org/name", folder, hub=True) == "hf:org/name"
    for place in ("file:///x", "hf:a://x", "a\0b", "circle/x", ".."):
        with pytest.raises(InputError, match="outside its folder"):
            confined(place, folder, hub=True)


def test_a_comma_in_the_folders_name_does_not_make_two_files_of_one(run: Path, tmp_path: Path) -> None:
    _rewrite(run, embedders=["elmo:bilm"])
    with pytest.raises(InputError, match="a folder with a comma in its name"):
        load_run(run.rename(tmp_path / "secret,x"))


def test_links_of_the_hubs_cache_belong_to_a_run(run: Path, tmp_path: Path) -> None:
    """`snapshots/REVISION` has links to `blobs`."""
    shutil.copy(tmp_path / "vectors.txt", run)
    _elsewhere()
    snapshot = tmp_path / "models--someone--x" / "snapshots" / "abc"
    (tmp_path / "models--someone--x" / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(path for path in run.iterdir() if path.is_file()):
        blob = path.rename(tmp_path / "models--someone--x" / "blobs" / str(number))
        (snapshot / path.name).symlink_to(Path("../../blobs") / blob.name)
    load_run(snapshot)
