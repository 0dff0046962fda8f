"""The split: deterministic, stratified, and without a unit on two sides."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from app.errors import Invalid
from workers.training import splits
from workers.training.spec import TrainingSample

NOWHERE = Path("nowhere.png")


def sample(number: int, label: str, *, group: str = "", sha256: str = "") -> TrainingSample:
    return TrainingSample(f"id-{number}", NOWHERE, sha256 or f"digest-{number}", label, group)


def cut(samples: list[TrainingSample], seed: int = 1, share: float = 0.15, **more: frozenset[str]) -> splits.Split:
    return splits.split_samples(samples, seed=seed, validation_fraction=share, test_fraction=share, **more)


def where(split: splits.Split) -> dict[str, str]:
    return {sample.sample_id: name for name, chosen in split.items() for sample in chosen}


HUNDREDS = [sample(number, "ab"[number % 4 == 0]) for number in range(400)]


def test_split_does_not_depend_on_the_order_of_the_samples() -> None:
    shuffled = HUNDREDS.copy()
    random.Random(3).shuffle(shuffled)
    assert cut(shuffled) == cut(HUNDREDS)


def test_split_does_not_depend_on_the_ids_given_at_upload() -> None:
    renamed = [TrainingSample(f"x{99999 - i}", NOWHERE, each.sha256, each.label) for i, each in enumerate(HUNDREDS)]
    before, after = where(cut(HUNDREDS)), where(cut(renamed))
    assert [before[each.sample_id] for each in HUNDREDS] == [after[each.sample_id] for each in renamed]


def test_another_seed_gives_another_split() -> None:
    assert where(cut(HUNDREDS, seed=1)) != where(cut(HUNDREDS, seed=2))


def test_every_sample_is_in_exactly_one_split() -> None:
    assert len(where(cut(HUNDREDS))) == sum(len(chosen) for _, chosen in cut(HUNDREDS).items()) == len(HUNDREDS)


def test_every_class_is_cut_in_the_same_proportions() -> None:
    for name, share in (("test", 0.15), ("validation", 0.15), ("train", 0.7)):
        counts = Counter(each.label for each in getattr(cut(HUNDREDS), name))
        assert counts == {"a": round(300 * share), "b": round(100 * share)}


@pytest.mark.parametrize("count", [3, 4, 5, 7])
@pytest.mark.parametrize("share", [0.05, 0.4])
def test_a_class_of_three_is_in_every_split(count: int, share: float) -> None:
    samples = HUNDREDS + [sample(1000 + number, "rare") for number in range(count)]
    for seed in range(10):
        found = {name for name, chosen in cut(samples, seed, share).items() if any(s.label == "rare" for s in chosen)}
        assert found == {"train", "validation", "test"}


def test_equal_files_stay_together() -> None:
    twins = [sample(number, "a", sha256=f"digest-{number // 2}") for number in range(100)]
    places = where(cut(twins))
    assert all(places[f"id-{number}"] == places[f"id-{number + 1}"] for number in range(0, 100, 2))


def test_a_group_of_several_classes_stays_together_and_the_shares_stay_near() -> None:
    samples = [sample(number, "abc"[number % 3], group=f"scene-{number // 6}") for number in range(600)]
    split = cut(samples)
    places = where(split)
    assert all(len({places[f"id-{n}"] for n in range(start, start + 6)}) == 1 for start in range(0, 600, 6))
    for label in "abc":
        assert Counter(each.label for each in split.test)[label] == pytest.approx(30, abs=3)


def test_what_the_base_model_was_trained_on_is_not_tested_on() -> None:
    first = cut(HUNDREDS, seed=1)
    keys = frozenset(splits.unit_key(each.unit) for each in first.train)
    second = cut(HUNDREDS, seed=2, trained_before=keys)
    assert not {each.sample_id for each in second.test} & {each.sample_id for each in first.train}
    assert len(second.test) == len(first.test)


def test_split_file_names_every_sample_once(tmp_path: Path) -> None:
    split = cut(HUNDREDS)
    splits.write_split(split, tmp_path / "split.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "split.jsonl").read_text().splitlines()]
    assert {row["sample_id"]: row["split"] for row in rows} == where(split)
    assert [row["sample_id"] for row in rows] == sorted(where(split))


@pytest.mark.parametrize(
    ("samples", "labels", "words"),
    [
        (HUNDREDS, ["a"], "at least 2 classes"),
        (HUNDREDS, ["a", "b", "b"], "names a class twice"),
        (HUNDREDS, ["a", "b", "c"], "'c' has 0"),
        ([*HUNDREDS, sample(900, "c"), sample(901, "c")], ["a", "b", "c"], "'c' has 2"),
        ([*HUNDREDS, *(sample(900 + n, "c", sha256="same") for n in range(5))], ["a", "b", "c"], "'c' has 1"),
        ([*HUNDREDS, sample(900, "z")], ["a", "b"], "id-900 has the label 'z'"),
        ([*HUNDREDS, HUNDREDS[0]], ["a", "b"], "id-0 is listed 2 times"),
    ],
)
def test_data_that_cannot_be_trained_is_refused_in_words(
    samples: list[TrainingSample], labels: list[str], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        splits.check_samples(samples, labels)


def test_too_few_test_images_for_a_golden_set_are_refused() -> None:
    few = [sample(number, "ab"[number % 2]) for number in range(20)]
    with pytest.raises(Invalid, match="Only 4 images are left for the final test"):
        splits.check_split(cut(few))
