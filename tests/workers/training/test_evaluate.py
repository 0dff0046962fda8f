"""The score, against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from workers.training.evaluate import score

LABELS = ["a", "b", "c", "d"]


def case(seed: int, *, never_predicted: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(4), 60).astype(np.float32)
    if never_predicted is not None:
        probabilities[:, never_predicted] = 0
    return probabilities, random.integers(0, 4, 60)


@pytest.mark.parametrize("never_predicted", [None, 2])
@pytest.mark.parametrize("seed", range(3))
def test_figures_agree_with_scikit_learn(seed: int, never_predicted: int | None) -> None:
    probabilities, targets = case(seed, never_predicted=never_predicted)
    predicted = probabilities.argmax(axis=1)
    found = score(probabilities, targets, LABELS)
    macro = metrics.precision_recall_fscore_support(targets, predicted, average="macro", zero_division=0)
    each = metrics.precision_recall_fscore_support(targets, predicted, labels=range(4), zero_division=0)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(targets, predicted))
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(macro[:3])
    for column, label in enumerate(LABELS):
        values = found["per_class"][label]
        given = (values["precision"], values["recall"], values["f1"], values["support"])
        assert given == pytest.approx([row[column] for row in each])
    assert found["confusion_matrix"] == metrics.confusion_matrix(targets, predicted, labels=range(4)).tolist()
    assert found["test_count"] == 60


def test_loss_agrees_with_scikit_learn() -> None:
    probabilities, targets = case(9)
    expected = metrics.log_loss(targets, probabilities / probabilities.sum(axis=1, keepdims=True), labels=range(4))
    assert score(probabilities, targets, LABELS)["loss"] == pytest.approx(expected, rel=1e-5)


def test_rows_of_the_confusion_matrix_are_the_truth() -> None:
    found = score(np.eye(4, dtype=np.float32)[[1, 1, 1]], np.array([0, 0, 1]), LABELS)
    assert found["confusion_matrix"][0] == [0, 2, 0, 0]
    assert found["confusion_matrix"][1] == [0, 1, 0, 0]
