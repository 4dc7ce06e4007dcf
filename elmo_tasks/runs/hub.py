"""Runs and biLMs on the Hugging Face hub: `push_to_hub` uploads a folder with its model card, the rest fetches it."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import hub_name, task_names
from elmo_tasks.elmo.weights.resolve import BILM_FILES, hub_folder
from elmo_tasks.runs.bilm_record import read_bilm_record
from elmo_tasks.runs.experiment import load_experiment
from elmo_tasks.runs.folder import read_metrics, refuse_links
from elmo_tasks.runs.model_card import bilm_card, run_card
from elmo_tasks.runs.shipped import tagger_folder, tagger_names

RUN_FILES = (
    "config.yaml",
    "metrics.json",
    "model.safetensors",
    "words.txt",
    "classes.json",
    "estimator.json",
    "report.md",
    "epochs.csv",
    "predictions.test.*",
    "plots/*.png",
)
"""What is uploaded, and of a run what is downloaded: nothing that could be run, no checkpoints."""


def push_to_hub(
    folder: str | Path, name: str, *, license: str | None = None, private: bool = False, token: str | None = None
) -> str:
    """Upload the folder of a run or of a biLM with its model card, and return the repository's address.

    Args:
        folder: what `elmo-tasks train` or `elmo-tasks pretrain` wrote.
        name: `ORG/NAME`; made if it is not there.
        license: the hub's word for the licence of your model, such as `cc-by-4.0`; for the card.
        private: make a new repository private.
        token: the hub's; default is what `hf auth login` stored.

    Raises:
        InputError: no such folder, a name of another form, a run of a task file of your own, or the hub refuses.
    """
    from huggingface_hub import HfApi

    folder, repository = Path(folder), hub_name(f"hf:{name.removeprefix('hf:')}")
    if repository is None:
        raise InputError(f"{name!r} is not the name of a repository; give one such as ORG/NAME")
    name = repository
    if (folder / "model.safetensors").is_file():
        _check_task(folder, name)
        card, files = run_card(name, read_metrics(folder), license), list(RUN_FILES)
    elif any(folder.glob("*.safetensors")) or any(folder.glob("*.hdf5")):
        record = read_bilm_record(folder / "metrics.json") if (folder / "metrics.json").is_file() else None
        card, files = bilm_card(name, record, license), list(BILM_FILES)
    else:
        raise InputError(f"{folder}: expected the folder of a finished run or of a biLM, found no weights in it")
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as place:  # of links, so that the card goes up with the files
        (Path(place) / "README.md").write_text(card, encoding="utf-8")
        for path in (path for pattern in files for path in folder.glob(pattern)):
            refuse_links(folder, [str(path.relative_to(folder))])
            link = Path(place) / path.relative_to(folder)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path.resolve())
        try:
            api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(folder_path=place, repo_id=name, commit_message="Upload by elmo-tasks")
        except Exception as error:  # every kind of network, HTTP and validation fault
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{name}: the Hugging Face hub did not take the upload ({reason}); `hf auth login` stores a token"
            ) from None
    return f"{api.endpoint}/{name}"


def find_run(name: str | Path) -> Path:
    """The run folder of that path, of a tagger in the package, or of a repository on the hub, which is downloaded once.

    name: a run's folder; the name of a tagger in the package (`elmo_tasks.runs.shipped`), unless a run has that path;
        `hf:ORG/NAME`, or `ORG/NAME` where that cannot be a local path (`elmo_tasks.core.paths.hub_name`).

    Raises:
        InputError: no such folder, or a repository that holds no run, or one of a task that is not shipped.
    """
    folder = Path(name).expanduser()
    if not (folder / "model.safetensors").is_file() and (shipped := tagger_folder(str(name))):
        return shipped
    if folder.is_dir():
        return folder
    repository = hub_name(str(name))
    if repository is None:
        raise InputError(f"{name}: {_why_no_run(folder)}")
    fetched = hub_folder(repository, RUN_FILES)
    if not (fetched / "model.safetensors").is_file():
        raise InputError(
            f"{name}: this repository holds no run (no model.safetensors); name a biLM by --embedders elmo:{name}"
        )
    _check_task(fetched, str(name))
    return fetched


def _why_no_run(folder: Path) -> str:
    """What is wrong with a path that is not a folder, with the most similar name of a folder there or of a tagger."""
    if folder.exists():
        return "not a folder; give the folder of a finished run"
    if folder.parent == Path() and folder.name in (*task_names(), "pos"):
        task = "tagging" if folder.name == "pos" else folder.name
        return (
            "no such folder, and no trained tagger of that name is in this package; train one, such as by elmo-tasks "
            f"train {task} --output runs/{folder.name}, and give its folder"
        )
    beside = [path.name for path in folder.parent.glob("*") if path.is_dir()] if folder.parent.is_dir() else []
    taggers = tagger_names() if folder.parent == Path() else []
    close = difflib.get_close_matches(folder.name, [*taggers, *beside], n=1)
    guess = f"did you mean {folder.with_name(close[0])}? Or " if close else ""
    inside = f"use a tagger in the package ({', '.join(tagger_names())}), or " if tagger_names() else ""
    return f"no such folder; {guess}{inside}write hf:ORG/NAME for a run on the Hugging Face hub"


def _check_task(folder: Path, name: str) -> None:
    """Runs on the hub are of shipped tasks only: a task file does not travel with a run."""
    task = load_experiment([folder / "config.yaml"]).task
    if task not in task_names():
        raise InputError(
            f"{name}: a run of the task {task!r} cannot be shared, since a task file of your own does not travel with "
            f"a run; the hub takes runs of {', '.join(task_names())}"
        )
