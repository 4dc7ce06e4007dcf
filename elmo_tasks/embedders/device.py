"""Where frozen vectors are computed."""

from __future__ import annotations

import torch


def frozen_device(precision: str = "auto") -> torch.device:
    """The first GPU that CUDA has, else the CPU; the CPU too for a biLM in `int8`, which has its products there alone.

    `CUDA_VISIBLE_DEVICES=` (nothing) keeps a program on the CPU, as in every program of PyTorch's.
    """
    return torch.device("cuda:0" if torch.cuda.is_available() and precision != "int8" else "cpu")
