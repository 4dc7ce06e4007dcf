"""A BlockEmbedder as a job of a pool, which must have the same weights wherever it runs."""

from __future__ import annotations

from elmo_tasks.core.errors import InputError
from elmo_tasks.corpus_vectors.block_embedder import BlockEmbedder, Recipe, Vectors
from elmo_tasks.corpus_vectors.sentence_block import SentenceBlock


class BlockWorker:
    """Embeds blocks in a process of a pool. fingerprint: that of the embedder where the work was started.

    Raises:
        InputError: the embedder cannot be loaded there, or has other weights.
    """

    def __init__(self, recipe: Recipe, fingerprint: str) -> None:
        try:
            self._embedder = BlockEmbedder(recipe)
        except InputError as error:
            raise InputError(
                f"--engine ray: a worker cannot load the embedder ({error}); put the same files under the same path on "
                "every machine"
            ) from None
        if self._embedder.fingerprint() != fingerprint:
            raise InputError(
                f"--engine ray: a worker has other weights of {recipe.embedder}; put the same file under the same path "
                "on every machine"
            )

    def __call__(self, block: SentenceBlock) -> Vectors:
        """The vectors of a block."""
        return self._embedder.embed(block.sentences)
