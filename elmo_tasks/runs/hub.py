"""Runs and biLMs on the Hugging Face hub: `push_to_hub` uploads a folder with its model card, the rest downloads it."""

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
"""The files that are uploaded, and downloaded for a run: no executable code and no checkpoints."""


def push_to_hub(
    folder: str | Path, name: str, *, license: str | None = None, private: bool = False, token: str | None = None
) -> str:
    """Upload the folder of a run or of a biLM with its model card, and return the repository's address.

    Args:
        folder: a folder written by `elmo-tasks train` or `elmo-tasks pretrain`.
        name: `ORG/NAME`; created if it does not exist.
        license: the hub's identifier of the model's licence, such as `cc-by-4.0`, for the card.
        private: make a new repository private.
        token: an access token of the hub; by default the one stored by `hf auth login`.

    Raises:
        InputError: the folder does not exist, the name is malformed, the run was trained with a task file of your own,
            or the hub rejects the upload.
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
        raise InputError(f"{folder}: not the folder of a finished run or of a biLM: it has no weights")
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as place:  # a folder of links, to upload the card together with the files
        (Path(place) / "README.md").write_text(card, encoding="utf-8")
        for path in (path for pattern in files for path in folder.glob(pattern)):
            refuse_links(folder, [str(path.relative_to(folder))])
            link = Path(place) / path.relative_to(folder)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path.resolve())
        try:
            api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(folder_path=place, repo_id=name, commit_message="Upload by elmo-tasks")
        except Exception as error:  # any network, HTTP or validation error
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{name}: the Hugging Face hub rejected the upload ({reason}); store a token with `hf auth login`"
            ) from None
    return f"{api.endpoint}/{name}"


def find_run(name: str | Path) -> Path:
    """Find the folder of a run: a path, a tagger in the package, or a repository on the hub, downloaded once.

    name: the folder of a run; the name of a tagger in the package (`elmo_tasks.runs.shipped`), unless a run has that
        path; `hf:ORG/NAME`, or `ORG/NAME` if that cannot be a local path (`elmo_tasks.core.paths.hub_name`).

    Raises:
        InputError: there is no such folder, or the repository has no run, or one of a task that is not shipped.
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
            f"{name}: this repository has no run (no model.safetensors); if it is a biLM, use --embedders elmo:{name}"
        )
    _check_task(fetched, str(name))
    return fetched


def _why_no_run(folder: Path) -> str:
    """Explain why a path is not a run, suggesting the most similar name of a folder or tagger."""
    if folder.exists():
        return "not a folder; give the folder of a finished run"
    if folder.parent == Path() and folder.name in (*task_names(), "pos"):
        task = "tagging" if folder.name == "pos" else folder.name
        return (
            "no such folder, and the package has no trained tagger of that name; train one, for example with "
            f"elmo-tasks train {task} --output runs/{folder.name}, and give its folder"
        )
    beside = [path.name for path in folder.parent.glob("*") if path.is_dir()] if folder.parent.is_dir() else []
    taggers = tagger_names() if folder.parent == Path() else []
    close = difflib.get_close_matches(folder.name, [*taggers, *beside], n=1)
    guess = f"did you mean {folder.with_name(close[0])}? Or " if close else ""
    inside = f"use a tagger in the package ({', '.join(tagger_names())}), or " if tagger_names() else ""
    return f"no such folder; {guess}{inside}write hf:ORG/NAME for a run on the Hugging Face hub"


def _check_task(folder: Path, name: str) -> None:
    """Raises InputError for a run of a task file of your own, which is not uploaded with a run."""
    task = load_experiment([folder / "config.yaml"]).task
    if task not in task_names():
        raise InputError(
            f"{name}: a run of the task {task!r} cannot be shared, because a task file of your own is not uploaded "
            f"with a run; only runs of {', '.join(task_names())} can be shared"
        )
