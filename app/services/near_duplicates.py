"""Samples that look nearly the same share a `near_group`: found when they come in, told to people, kept on one side of
a split. A sample without any has none.

Near means that the perceptual hashes differ in at most `NEAR` of 64 bits. Who looks through all pairs needs a billion
comparisons for 100,000 samples; here the 64 bits are cut into five bands. Four different bits leave one band untouched,
so whatever is near is among the samples with an equal band, which an index finds (Manku, Jain and Das Sarma, Detecting
Near-Duplicates for Web Crawling, 2007, section 3). Being near is passed on: what is near to a member belongs to the
group, so a new sample can make one group of two.

The caller holds the lock of the dataset, so two batches that come in at once cannot split a group.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import BigInteger, bindparam, func, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, select

from app.services.perceptual_hash import NEAR
from app.tables import TrainingSample
from app.tables.samples import HASH_BANDS, hash_band

# Thousands of samples that share a band and are not near are a dataset of nearly one picture; the look stays bounded.
_LOOKED_AT, _TAKEN = 2_000, 50


def _statement() -> str:
    looks = [
        f"""(SELECT id, near_group FROM (
                SELECT id, near_group, perceptual_hash FROM training_samples
                WHERE dataset_id = :dataset_id AND perceptual_hash IS NOT NULL
                  AND {hash_band(band)} = {hash_band(band, "fresh.hash")} LIMIT {_LOOKED_AT}) AS looked_at
             WHERE bit_count((perceptual_hash # fresh.hash)::bit(64)) <= {NEAR} LIMIT {_TAKEN})"""  # noqa: S608 numbers of our own
        for band in range(len(HASH_BANDS))
    ]
    return f"""SELECT DISTINCT fresh.number, near.id, near.near_group
        FROM unnest(:hashes) WITH ORDINALITY AS fresh(hash, number)
        CROSS JOIN LATERAL ({" UNION ".join(looks)}) AS near"""  # noqa: S608


_NEAR_ONES = text(_statement()).bindparams(bindparam("hashes", type_=ARRAY(BigInteger)))
Member = tuple[str, UUID | int]


def group(session: Session, dataset_id: UUID, fresh: Sequence[TrainingSample]) -> None:
    """Set the `near_group` of `fresh`, samples with their hashes that are not yet in the database, and of those there
    that they are near to."""
    hashed = [row for row in fresh if row.perceptual_hash is not None]
    if not hashed:
        return
    groups = _Union()
    hashes = [row.perceptual_hash for row in hashed]
    known: dict[UUID, UUID | None] = {}
    for number, sample_id, near_group in session.execute(  # type: ignore[deprecated]
        _NEAR_ONES, {"dataset_id": dataset_id, "hashes": hashes}
    ):
        known[sample_id] = near_group
        groups.join(("fresh", number - 1), ("sample", sample_id) if near_group is None else ("group", near_group))
    for one, other in _near_pairs(hashes):
        groups.join(("fresh", one), ("fresh", other))
    for members in groups.all():
        _become_one(session, dataset_id, members, hashed)


def leave(session: Session, dataset_id: UUID, near_group: UUID | None) -> None:
    """A sample of the group is gone; a last one that is left alone belongs to no group."""
    if near_group is None:
        return
    mine = (TrainingSample.dataset_id == dataset_id, TrainingSample.near_group == near_group)
    left = session.exec(select(func.count()).select_from(select(TrainingSample.id).where(*mine).limit(2).subquery()))
    if left.one() == 1:
        session.execute(update(TrainingSample).where(*mine).values(near_group=None))  # type: ignore[deprecated,arg-type]


def _near_pairs(hashes: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """The near pairs of one batch; it is small enough to look at all."""
    values = np.array(hashes, dtype=np.int64)
    differing = np.bitwise_count((values[:, None] ^ values[None, :]).view(np.uint64))
    ones, others = np.nonzero(np.triu(differing <= NEAR, 1))
    yield from zip(ones.tolist(), others.tolist(), strict=True)


def _become_one(
    session: Session, dataset_id: UUID, members: Sequence[Member], hashed: Sequence[TrainingSample]
) -> None:
    kinds = Counter(kind for kind, _ in members)
    old = sorted((which for kind, which in members if kind == "group"), key=str)
    target = old[0] if old else uuid4()
    mine = TrainingSample.dataset_id == dataset_id
    if kinds["sample"]:
        alone = col(TrainingSample.id).in_([which for kind, which in members if kind == "sample"])
        session.execute(update(TrainingSample).where(mine, alone).values(near_group=target))  # type: ignore[deprecated,arg-type]
    if old[1:]:
        merged = col(TrainingSample.near_group).in_(old[1:])
        session.execute(update(TrainingSample).where(mine, merged).values(near_group=target))  # type: ignore[deprecated,arg-type]
    for kind, which in members:
        if kind == "fresh":
            assert isinstance(which, int)
            assert isinstance(target, UUID)
            hashed[which].near_group = target


class _Union:
    """Which members belong together, by union-find."""

    def __init__(self) -> None:
        self._above: dict[Member, Member] = {}

    def join(self, one: Member, other: Member) -> None:
        """Both belong together from now on."""
        self._above[self._top(one)] = self._top(other)

    def all(self) -> list[list[Member]]:
        """The groups of two and more."""
        found: dict[Member, list[Member]] = {}
        for member in list(self._above):
            found.setdefault(self._top(member), []).append(member)
        return list(found.values())

    def _top(self, member: Member) -> Member:
        self._above.setdefault(member, member)
        while self._above[member] != member:
            self._above[member] = self._above[self._above[member]]
            member = self._above[member]
        return member
