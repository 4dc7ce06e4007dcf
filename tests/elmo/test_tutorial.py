"""Code as it is written for AllenNLP, in three programs: only the lines that import ELMo are changed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

OURS = {
    "from allennlp.commands.elmo import ElmoEmbedder": "from elmo_tasks.elmo import ElmoEmbedder",
    "from allennlp.modules.elmo import Elmo, batch_to_ids": "from elmo_tasks.elmo import Elmo, batch_to_ids",
}

POLYSEMY = """
from allennlp.commands.elmo import ElmoEmbedder
import scipy.spatial.distance

elmo = ElmoEmbedder()
at_night = ["My", "neighbour", "'s", "dog", "began", "to", "bark", "at", "night"]
of_a_tree = ["The", "bark", "of", "the", "old", "oak", "was", "rough"]
vectors = elmo.embed_sentence(at_night)
assert len(vectors) == 3
assert len(vectors[0]) == len(at_night)
vectors2 = elmo.embed_sentence(of_a_tree)
distances = [scipy.spatial.distance.cosine(vectors[layer][6], vectors2[layer][1]) for layer in range(3)]
"""

POOLING = """
from allennlp.modules.elmo import Elmo, batch_to_ids
import torch

options_file = "options.json"
weight_file = "weights.hdf5"


class Classifier(torch.nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.elmo = Elmo(options_file, weight_file, 1, dropout=0)
        self.mlp = torch.nn.Sequential(
            torch.nn.Linear(self.elmo.get_output_dim(), 16), torch.nn.ReLU(), torch.nn.Linear(16, n_classes)
        )

    def forward(self, character_ids):
        embeddings = self.elmo(character_ids)
        vectors, mask = embeddings["elmo_representations"][0], embeddings["mask"].float()
        pooled = (vectors * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return self.mlp(pooled)


torch.manual_seed(0)
sentences = [["A", "warm", "and", "clever", "film", "."], ["Dull", "."], ["Clever", "."], ["A", "dull", "film", "."]]
labels = torch.tensor([1, 0, 1, 0])
model = Classifier(2)
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
losses = []
for _ in range(40):
    loss = torch.nn.functional.cross_entropy(model(batch_to_ids(sentences)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
accuracy = (model(batch_to_ids(sentences)).argmax(1) == labels).float().mean().item()
"""

TAGGING = """
from allennlp.modules.elmo import Elmo, batch_to_ids
import torch
from torchcrf import CRF

TAGS = ["O", "B-PER", "I-PER", "B-LOC"]


class Tagger(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.elmo = Elmo("options.json", "weights.hdf5", num_output_representations=1, requires_grad=False, dropout=0.1)
        self.lstm = torch.nn.LSTM(self.elmo.get_output_dim(), 16, batch_first=True, bidirectional=True)
        self.linear = torch.nn.Linear(32, len(TAGS))
        self.crf = CRF(len(TAGS), batch_first=True)

    def forward(self, character_ids, tags=None):
        output = self.elmo(character_ids)
        mask = output["mask"].bool()
        emissions = self.linear(self.lstm(output["elmo_representations"][0])[0])
        if tags is None:
            return self.crf.decode(emissions, mask=mask)
        return -self.crf(emissions, tags, mask=mask, reduction="mean")


torch.manual_seed(0)
sentences = [["Ada", "King", "lives", "in", "Oslo"], ["Bo", "sleeps"]]
tags = torch.tensor([[1, 2, 0, 0, 3], [1, 0, 0, 0, 0]])
model = Tagger()
before = [parameter.clone() for parameter in model.elmo.bilm.parameters()]
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
for _ in range(40):
    optimizer.zero_grad()
    model(batch_to_ids(sentences), tags).backward()
    optimizer.step()
model.eval()
found = [[TAGS[n] for n in sentence] for sentence in model(batch_to_ids(sentences))]
unchanged = all(torch.equal(old, new) for old, new in zip(before, model.elmo.bilm.parameters()))
"""


@pytest.fixture
def here(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with `options.json` and `weights.hdf5`, the way such programs find them."""
    pair[0].rename(pair[0].with_name("options.json"))
    pair[1].rename(pair[1].with_name("weights.hdf5"))
    monkeypatch.chdir(pair[0].parent)


def run(program: str) -> dict[str, Any]:
    """Its variables, after its line that imports ELMo was changed and nothing else."""
    (line,) = [line for line in program.splitlines() if "allennlp" in line]
    names: dict[str, Any] = {}
    exec(compile(program.replace(line, OURS[line]), "tutorial", "exec"), names)
    return names


def test_one_word_in_two_senses() -> None:
    """For a polysemous word, the token layer has only the spelling; the layers above depend on the context."""
    bottom, *above = run(POLYSEMY)["distances"]
    assert bottom == pytest.approx(0.0, abs=1e-5)
    assert min(above) > 0.1


@pytest.mark.usefixtures("here")
def test_masked_mean_and_a_classifier_above_it() -> None:
    names = run(POOLING)
    assert names["losses"][-1] < 0.1 * names["losses"][0]
    assert names["accuracy"] == 1.0


@pytest.mark.usefixtures("here")
def test_named_entities_with_a_crf_on_the_frozen_biLM() -> None:
    names = run(TAGGING)
    assert names["found"] == [["B-PER", "I-PER", "O", "O", "B-LOC"], ["B-PER", "O"]]
    assert names["unchanged"]
    assert torch.is_grad_enabled()
