"""The role labeller on predicates and on sentences whose predicates are to be found, mixed in one batch."""

from __future__ import annotations

import pytest
import torch

from elmo_tasks.core.errors import InputError
from elmo_tasks.embedders.inputs import FrozenInput
from elmo_tasks.embedders.random import RandomEmbedder
from elmo_tasks.nn.batch import NO_PREDICATE, Item, collate
from elmo_tasks.nn.embedding_mix import EmbeddingMix
from elmo_tasks.nn.role_labeller import RoleLabeller
from elmo_tasks.text.labels import LabelSet

LABELS = LabelSet.of_types(["A0", "A1", "V"], "BIO")
SENTENCES = [["Ada", "wants", "to", "leave"], ["Rain"], ["He", "left", "Oslo"]]
# sentence, predicate, tags
EXAMPLES = [
    (0, None, ["O", "B-V", "O", "B-V"]),
    (0, 1, ["B-A0", "B-V", "B-A1", "I-A1"]),
    (1, None, ["O"]),
    (0, 3, ["B-A0", "O", "O", "B-V"]),
    (2, 1, ["B-A0", "B-V", "B-A1"]),
    (2, None, ["O", "B-V", "O"]),
]


def build(precision: str = "32") -> tuple[RoleLabeller, list[Item]]:
    torch.manual_seed(0)
    source = FrozenInput(RandomEmbedder(12))
    prepared = source.prepare(SENTENCES).take(range(len(SENTENCES)))
    items = [
        Item((prepared[sentence],), len(SENTENCES[sentence]), index, torch.tensor(LABELS.encode(tags)), predicate)
        for index, (sentence, predicate, tags) in enumerate(EXAMPLES)
    ]
    model = RoleLabeller(
        EmbeddingMix(["random"], [source.build_module()]),
        LABELS,
        hidden=16,
        layers=2,
        dropout=0.1,
        recurrent_dropout=0.1,
        indicator=6,
        finder_hidden=8,
        precision=precision,
    )
    return model, items


def test_predicates_in_a_batch() -> None:
    _, items = build()
    predicate = collate(items).predicate
    assert predicate is not None
    assert predicate.tolist() == [NO_PREDICATE, 1, NO_PREDICATE, 3, 1, NO_PREDICATE]
    assert collate([items[0], items[2]]).predicate is None


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_it_learns_both_by_heart(precision: str) -> None:
    model, items = build(precision)
    batch = collate(items)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(80):
        optimizer.zero_grad()
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
    model.eval()
    assert model.loss(batch).item() < 0.05
    assert [list(LABELS.decode(numbers)) for numbers in model.decode(batch)] == [tags for _, _, tags in EXAMPLES]


def test_batch_mates_do_not_matter() -> None:
    model, items = build()
    model.eval()
    together = model.decode(collate(items))
    assert [model.decode(collate([item]))[0] for item in items] == together
    whole = model.loss(collate(items))
    parts = [model.loss(collate([item])) * item.length for item in items]
    framed, plain = [1, 3, 4], [0, 2, 5]
    by_hand = sum(
        sum(parts[n] for n in rows) / sum(items[n].length for n in rows)  #
        for rows in (framed, plain)
    )
    torch.testing.assert_close(whole, by_hand)


def test_the_finder_moves_nothing_that_the_labeller_reads() -> None:
    model, items = build()
    model.loss(collate([items[0], items[2]])).backward()
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert moved == {"finder", "is_predicate"}


def test_an_unknown_precision() -> None:
    with pytest.raises(InputError, match="model.precision must be auto, bf16 or 32, not 'half'"):
        build("half")
