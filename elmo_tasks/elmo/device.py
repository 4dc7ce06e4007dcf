"""The device chosen by `--device` or `$ELMO_TASKS_DEVICE`, for this process and the processes it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from elmo_tasks.core.errors import InputError
from elmo_tasks.core.paths import device_name, device_set_to

if TYPE_CHECKING:
    import torch


def chosen_device() -> torch.device | None:
    """The chosen device; None for `auto`, which leaves the choice to each part of the package.

    Raises:
        InputError: `$ELMO_TASKS_DEVICE` is malformed, or the device does not exist.
    """
    import torch

    name = device_name()
    if name == "auto":
        return None
    check_device(name, "ELMO_TASKS_DEVICE")
    return torch.device("cuda:0" if name == "cuda" else name)


def accelerator() -> tuple[str, int | list[int]]:
    """The arguments `accelerator` and `devices` of a `lightning.Trainer` for the chosen device."""
    device = chosen_device()
    if device is None or device.type == "cpu":
        return ("auto" if device is None else "cpu"), 1
    return device.type, [device.index]


@contextmanager
def device_chosen(name: str | None) -> Iterator[None]:
    """Use this device within the block, also in processes started there. None keeps the current choice.

    Raises:
        InputError: the name is unknown, or the device does not exist.
    """
    if name is None:
        yield
        return
    check_device(name)
    with device_set_to(name):
        yield


def check_device(name: str, origin: str = "--device") -> None:
    """Raises InputError for an unknown name or a GPU that does not exist."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,4})?", name):
        raise InputError(f"{origin}: unknown device {name!r}; choose auto, cpu, cuda or cuda:N, such as cuda:1")
    if not name.startswith("cuda"):
        return
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        raise InputError(f"{origin}: {name} is not available: PyTorch finds no CUDA GPU here; choose cpu or auto")
    if int(name.partition(":")[2] or 0) >= count:
        there = ", ".join(f"cuda:{number}" for number in range(count))
        raise InputError(f"{origin}: {name} is not available; PyTorch finds {there}")
