"""Hyperparameters: defaults, limits, and faults told all at once."""

import json

import pytest

from app.domain.hyperparameters import Hyperparameters, describe
from app.errors import Invalid

LIMITS = [
    ("epochs", 1, 500), ("batch_size", 1, 1024), ("learning_rate", 1e-6, 1), ("weight_decay", 0, 1),
    ("image_size", 8, 512), ("width", 8, 256), ("dropout", 0, 0.9), ("validation_fraction", 0.05, 0.4),
    ("test_fraction", 0.05, 0.4), ("early_stopping_patience", 0, 100), ("golden_items", 8, 32),
]  # fmt: skip


@pytest.mark.parametrize(("name", "least", "most"), LIMITS)
def test_both_ends_of_a_range_are_allowed_and_nothing_beyond(name: str, least: float, most: float) -> None:
    for value in (least, most):
        assert getattr(Hyperparameters.from_mapping({name: value}), name) == value
    for value in (least - 1e-7 if least < 1 else least - 1, most + 1):
        with pytest.raises(Invalid, match=f"{name} must be"):
            Hyperparameters.from_mapping({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 2.5), ("epochs", "8"), ("epochs", True), ("epochs", None), ("learning_rate", float("nan")),
        ("learning_rate", "fast"), ("dropout", None), ("optimizer", "lion"), ("optimizer", None), ("channels", 2),
        ("channels", True), ("channels", "1"), ("augment", "heavy"), ("accelerator", "tpu"), ("image_size", 64.5),
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_refused(name: str, value: object) -> None:
    with pytest.raises(Invalid, match=f"{name} must be") as caught:
        Hyperparameters.from_mapping({name: value})
    assert list(caught.value.fields["errors"]) == [name]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        Hyperparameters.from_mapping({"epochs": 0, "optimizer": "lion", "width": 32})
    assert caught.value.fields["errors"] == {
        "epochs": "must be a whole number from 1 to 500, got 0",
        "optimizer": "must be one of adamw, sgd, got 'lion'",
    }


def test_unknown_names_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="momentum is not a hyperparameter; known are accelerator, augment"):
        Hyperparameters.from_mapping({"momentum": 0.9})


def test_constructing_checks_as_well() -> None:
    with pytest.raises(Invalid, match="epochs"):
        Hyperparameters(epochs=0)


def test_a_round_trip_through_json_changes_nothing() -> None:
    chosen = Hyperparameters(epochs=3, learning_rate=1, image_size=32, channels=3)
    assert Hyperparameters.from_mapping(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert isinstance(chosen.learning_rate, float)


def test_automatic_is_allowed_where_it_means_something() -> None:
    assert Hyperparameters.from_mapping({"image_size": None, "channels": None}) == Hyperparameters()


def test_description_covers_every_field_and_is_json() -> None:
    described = json.loads(json.dumps(describe()))
    assert {each["name"]: each["default"] for each in described} == Hyperparameters().to_dict()
    assert all(each["help"] for each in described)
