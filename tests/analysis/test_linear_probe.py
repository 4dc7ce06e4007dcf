"""Probes against scikit-learn's logistic regression, and what makes them fair."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from elmo_tasks.analysis.linear_probe import ProbeBank, ProbeData, _loss, fit_probes
from elmo_tasks.analysis.token_layers import Standard

K = 3


def blobs(count: int, seed: int, informative: int = 1, layers: int = 3, width: int = 6) -> tuple[Tensor, Tensor]:
    """Noise in all layers but one, whose first numbers overlapping Gaussians around a centre for each label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(K, (count,), generator=generator)
    values = torch.randn(count, layers, width, generator=generator)
    centres = 1.2 * torch.eye(K, width)
    values[:, informative] += centres[labels]
    return (values * torch.linspace(1, 9, width)).half(), labels  # of different scales, as real numbers are


def data(count: int, seed: int, **options: int) -> ProbeData:
    values, labels = blobs(count, seed, **options)
    return ProbeData(values, labels[:, None])


def test_the_objective_is_that_of_logistic_regression() -> None:
    """At scikit-learn's optimum, the gradient of our loss and penalty is 0, for a separate layer in each source."""
    values, labels = blobs(400, 1)
    rows = Standard.of(values).apply(values)
    strength = 0.02
    bank = ProbeBank(n_layers=3, width=6, n_heads=1, n_labels=K)
    for layer in range(3):
        fitted = LogisticRegression(C=1 / (strength * len(rows)), tol=1e-10, max_iter=5000).fit(rows[:, layer], labels)
        bank.weight.data[layer] = torch.from_numpy(fitted.coef_.T).float()
        bank.bias.data[layer, 0] = torch.from_numpy(fitted.intercept_).float()
    loss = _loss(bank(rows), labels[:, None]) + bank.penalty(torch.tensor([strength]))
    weight, bias = torch.autograd.grad(loss, [bank.weight, bank.bias])
    assert weight[:3].abs().max() < 1e-4 and bias[:3].abs().max() < 1e-4
    assert weight[3].abs().max() > 1e-2  # the mix, which was left at 0


def test_accuracies_are_those_of_logistic_regression() -> None:
    train, dev, test = data(1200, 1), data(600, 2), data(600, 3)
    (probes,) = fit_probes(train, dev, test, n_labels=K, penalties=(0.01,), epochs=30)
    standard = Standard.of(train.layers)
    for layer in range(3):
        oracle = LogisticRegression(C=1 / (0.01 * 1200), max_iter=1000)
        oracle.fit(standard.apply(train.layers)[:, layer], train.labels[:, 0])
        expected = oracle.score(standard.apply(test.layers)[:, layer], test.labels[:, 0])
        assert probes[layer].test == pytest.approx(expected, abs=0.025)
    assert probes[1].test > probes[0].test + 0.15


def test_the_mix_finds_the_layer_that_knows() -> None:
    (probes,) = fit_probes(data(1200, 1), data(600, 2), data(600, 3), n_labels=K, penalties=(0.0,), epochs=30)
    mix = probes[3].mix
    assert mix is not None and sum(mix) == pytest.approx(1)
    assert int(np.argmax(mix)) == 1
    assert probes[3].test > probes[1].test - 0.05
    assert probes[0].mix is None


def test_probes_share_nothing() -> None:
    """A second task beside the first changes nothing for it."""
    splits = data(300, 1), data(200, 2), data(200, 3)
    (alone,) = fit_probes(*splits, n_labels=K, epochs=3)
    other = [ProbeData(s.layers, torch.cat([s.labels, s.labels.flip(0)], 1)) for s in splits]
    together, flipped = fit_probes(*other, n_labels=K, epochs=3)
    for one, two in zip(alone, together, strict=True):
        assert (one.dev, one.test, one.penalty, one.epoch) == (two.dev, two.test, two.penalty, two.epoch)
    assert flipped[1].test < alone[1].test


def test_dev_chooses_the_penalty() -> None:
    (probes,) = fit_probes(data(400, 1), data(300, 2), data(300, 3), n_labels=K, penalties=(100.0, 0.001), epochs=5)
    assert probes[1].penalty == 0.001


def test_dev_chooses_alone() -> None:
    train, dev = data(300, 1), data(200, 2)
    first, second = (
        fit_probes(train, dev, ProbeData(dev.layers, labels), n_labels=K, epochs=4)[0]
        for labels in (dev.labels, (dev.labels + 1) % K)
    )
    assert [(p.dev, p.penalty, p.epoch) for p in first] == [(p.dev, p.penalty, p.epoch) for p in second]
    assert [p.test for p in first] == [p.dev for p in first]  # the probe that dev kept is the one that reads test
    assert [p.test for p in first] != [p.test for p in second]


def test_a_label_that_train_lacks_is_never_right() -> None:
    test = data(200, 3)
    unknown = ProbeData(test.layers, torch.full_like(test.labels, -1))
    (probes,) = fit_probes(data(200, 1), data(200, 2), unknown, n_labels=K, epochs=1)
    assert {probe.test for probe in probes} == {0.0}


def test_one_layer_has_no_mix() -> None:
    splits = (data(80, seed, layers=1, informative=0) for seed in (1, 2, 3))
    (probes,) = fit_probes(*splits, n_labels=K, epochs=2)
    assert len(probes) == 1 and probes[0].mix is None


def test_the_same_seed_gives_the_same_probes() -> None:
    splits = data(200, 1), data(100, 2), data(100, 3)
    assert fit_probes(*splits, n_labels=K, epochs=2, seed=5) == fit_probes(*splits, n_labels=K, epochs=2, seed=5)
