"""Any sequence of changes, commits and restores: versions stay what they were, diffs tell all, restoring gives back."""

import itertools
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from app.domain.dataset_trees import Record
from app.domain.dataset_versions import Scope
from app.infra.db import transaction
from app.schemas.dataset_versions import VersionRestore
from app.services import samples, version_restores, versions
from app.services.version_commits import NothingToCommit
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.versions import change, commit, frozen, make_samples_of

BOX = {"id": "b1", "class": "one", "box": [1.0, 2.0, 3.0, 4.0], "attributes": {}}
place = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("label"), place, st.sampled_from(["zero", "one"])),
        st.tuples(st.just("boxes"), place, st.integers(0, 3)),
        st.tuples(st.just("delete"), place, st.none()),
        st.tuples(st.just("add"), st.integers(1, 3), st.none()),
        st.tuples(st.just("commit"), place, st.none()),
        st.tuples(st.just("restore"), place, st.none()),
    ),
    min_size=3,
    max_size=10,
)


class History:
    """One dataset, and what each of its versions held when it was made."""

    def __init__(self, person: Person) -> None:
        self.person, self.dataset = person, make_dataset(person)
        self.held: dict[str, dict[str, Record]] = {}
        self.digests: dict[str, str] = {}
        make_samples(self.dataset, 6, person)

    def ids(self) -> list[UUID]:
        with transaction() as session:
            query = select(TrainingSample.id).where(TrainingSample.dataset_id == self.dataset.id)
            return sorted(session.exec(query))

    def take(self, step: str, at: int, value: Any) -> None:
        ids = self.ids()
        if step == "add":
            make_samples_of(self.dataset, at, self.person)
        elif step == "commit":
            self.commit()
        elif step == "restore" and self.held:
            self.restore(sorted(self.held)[at % len(self.held)])
        elif ids and step == "label":
            change(ids[at % len(ids)], labels={"class": value})
        elif ids and step == "boxes":
            boxes = [{**BOX, "id": f"b{number}", "box": [float(at), 2.0, 3.0, 4.0]} for number in range(value)]
            change(ids[at % len(ids)], annotations=boxes)
        elif len(ids) > 1 and step == "delete":
            with transaction() as session:
                samples.delete(session, self.person.actor, self.dataset.id, ids[at % len(ids)])

    def commit(self) -> None:
        try:
            made = commit(self.person, self.dataset, scope=Scope.ALL)
        except NothingToCommit:
            return
        self.remember(made.version, made.sha256)

    def remember(self, version: str, sha256: str) -> None:
        self.held[version], self.digests[version] = frozen(self.person, self.dataset, version), sha256

    def restore(self, version: str) -> None:
        with transaction() as session:
            done = version_restores.restore(session, self.person.actor, self.dataset.id, version, VersionRestore())
        if done.kept_as is not None and done.kept_as not in self.held:
            with transaction() as session:
                kept = versions.get(session, self.person.actor, self.dataset.id, done.kept_as)
            self.remember(kept.version, kept.sha256)
        try:
            again = commit(self.person, self.dataset, scope=Scope.ALL)
        except NothingToCommit:
            return
        self.remember(again.version, again.sha256)
        assert again.sha256 == self.digests[version]
        assert self.held[again.version] == self.held[version]

    def check(self) -> None:
        for version, records in self.held.items():
            assert frozen(self.person, self.dataset, version) == records
        known = sorted(self.held)
        for before, after in itertools.pairwise(known):
            assert self.applied(before, after) == self.held[after]
        with transaction() as session:
            row = session.get_one(TrainingDataset, self.dataset.id)
            assert row.sample_count == len(self.ids())

    def applied(self, before: str, after: str) -> dict[str, Record]:
        """The first version with every change that the comparison tells."""
        result = dict(self.held[before])
        with transaction() as session:
            old = versions.find(session, self.person.actor, self.dataset.id, before)
            new = versions.find(session, self.person.actor, self.dataset.id, after)
            for key, _, now in versions.changed_samples(session, old, new):
                result.pop(str(key), None)
                if now is not None:
                    result[str(key)] = now
        return result


@given(STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_history_is_what_it_was(super_admin: Person, steps: list[tuple[str, int, Any]]) -> None:
    history = History(super_admin)
    for step in steps:
        history.take(*step)
    history.commit()
    history.check()
