"""Groups of near-duplicates, however they come in: any order, any split into batches, the same groups as all pairs."""

import random
from uuid import UUID

import pytest
from sqlmodel import Session, select

from app.infra.db import transaction
from app.services import near_duplicates
from app.services.perceptual_hash import NEAR, distance
from app.tables import TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset


def rows(dataset_id: UUID, hashes: list[int]) -> list[TrainingSample]:
    return [
        TrainingSample(dataset_id=dataset_id, file_url="s3://nowhere/x.png", file_size=1, sha256=f"{h:x}", width=8,
                       height=8, perceptual_hash=h)
        for h in hashes
    ]  # fmt: skip


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def hashes_around(draw: random.Random, centres: int, each: int) -> list[int]:
    """Hashes near to some centres: chains and stars, and some that are near to nothing."""
    found: list[int] = []
    for _ in range(centres):
        value = draw.getrandbits(64)
        for _ in range(each):
            found.append(signed(value))
            for bit in draw.sample(range(64), draw.choice([1, 2, 4, 5, 9])):
                value ^= 1 << bit
    return list(dict.fromkeys(found))


def groups_of_all_pairs(hashes: list[int]) -> set[frozenset[int]]:
    """The rule itself, slowly."""
    groups = [{one} for one in hashes]
    for one in hashes:
        touched = [group for group in groups if any(distance(one, other) <= NEAR for other in group)]
        groups = [group for group in groups if group not in touched] + [set().union(*touched)]
    return {frozenset(group) for group in groups if len(group) > 1}


def groups_found(session: Session, dataset_id: UUID) -> set[frozenset[int]]:
    found: dict[UUID, set[int]] = {}
    for row in session.exec(select(TrainingSample).where(TrainingSample.dataset_id == dataset_id)):
        if row.near_group is not None:
            assert row.perceptual_hash is not None
            found.setdefault(row.near_group, set()).add(row.perceptual_hash)
    return {frozenset(group) for group in found.values()}


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_those_of_all_pairs_in_any_order(super_admin: Person, seed: int) -> None:
    draw = random.Random(seed)
    dataset = make_dataset(super_admin)
    hashes = hashes_around(draw, centres=12, each=6)
    draw.shuffle(hashes)
    left = list(hashes)
    while left:
        batch, left = left[: (size := draw.randint(1, 9))], left[size:]
        with transaction() as session:
            fresh = rows(dataset.id, batch)
            near_duplicates.group(session, dataset.id, fresh)
            session.add_all(fresh)
    with transaction() as session:
        assert groups_found(session, dataset.id) == groups_of_all_pairs(hashes)


def test_every_place_of_four_different_bits_is_found(super_admin: Person) -> None:
    draw = random.Random(1)
    dataset = make_dataset(super_admin)
    centre = draw.getrandbits(64)
    others = [signed(centre ^ sum(1 << bit for bit in draw.sample(range(64), NEAR))) for _ in range(200)]
    with transaction() as session:
        session.add_all(rows(dataset.id, [signed(centre)]))
    with transaction() as session:
        for other in others:
            (one,) = fresh = rows(dataset.id, [other])
            near_duplicates.group(session, dataset.id, fresh)
            assert one.near_group is not None
