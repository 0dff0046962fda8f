"""Several people about one sample, as tests play it: what they say, what they see, what they decide."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.permissions import Role
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.opinions import Adjudicate, OpinionSettings, OpinionsView
from app.schemas.samples import SampleFilter, SampleUpdate, SampleView
from app.services import adjudication, opinion_views, samples
from app.tables import ConsensusDecision, TrainingDataset, TrainingSample
from tests.support.people import Person, make_person


def make_team() -> list[Person]:
    """Four super admins: three annotators and one who decides."""
    return [make_person(f"Team {name}", Role.SUPER_ADMIN) for name in "ABCD"]


def label(value: str | list[Any] | None) -> SampleUpdate:
    if value is None:
        return SampleUpdate()
    body = {"labels": {"class": value}} if isinstance(value, str) else {"annotations": value}
    return SampleUpdate.model_validate(body)


def box(name: str, *place: float, key: str = "b1") -> dict[str, Any]:
    return {"id": key, "class": name, "box": [float(part) for part in place]}


def say(dataset: TrainingDataset, sample: UUID, person: Person, value: Any, tag: str | None = None) -> SampleView:
    with transaction() as session:
        match = frozenset({tag}) if tag else None
        return samples.update(session, person.actor, dataset.id, sample, label(value), match)


def look(dataset: TrainingDataset, sample: UUID, person: Person) -> OpinionsView:
    with transaction() as session:
        return opinion_views.show(session, person.actor, dataset.id, sample)


def listed(dataset: TrainingDataset, person: Person, **wanted: Any) -> list[Any]:
    with transaction() as session:
        store = get_object_store()
        return samples.list_samples(session, person.actor, dataset.id, SampleFilter(**wanted), store).items


def decide(dataset: TrainingDataset, sample: UUID, person: Person, **request: Any) -> OpinionsView:
    with transaction() as session:
        body = Adjudicate.model_validate({"reason": "seen again", **request})
        return adjudication.adjudicate(session, person.actor, dataset.id, sample, body)


def configure(dataset: TrainingDataset, person: Person, **settings: Any) -> None:
    with transaction() as session:
        adjudication.configure(session, person.actor, dataset.id, OpinionSettings(**settings))


def counted(dataset: TrainingDataset) -> tuple[tuple[int, int], tuple[int, int]]:
    """Labelled and verified, as the dataset says and as its samples are."""
    flags = (col(TrainingSample.is_labeled), col(TrainingSample.is_verified))
    with transaction() as session:
        row = session.get_one(TrainingDataset, dataset.id)
        query = select(*(func.count().filter(flag) for flag in flags)).where(TrainingSample.dataset_id == dataset.id)
        return (row.labeled_count, row.verified_count), tuple(session.exec(query).one())  # type: ignore[return-value]


def count_of(table: Any) -> int:
    with transaction() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def disagree(dataset: TrainingDataset, sample: UUID, team: list[Person]) -> None:
    """A and C say one, B says zero."""
    for person, name in zip(team, ("one", "zero", "one"), strict=False):
        say(dataset, sample, person, name)


def opinions_standing(session: Session) -> list[UUID]:
    gone = col(ConsensusDecision.undone_at).is_not(None) | col(ConsensusDecision.ended_at).is_not(None)
    return list(session.exec(select(ConsensusDecision.id).where(~gone)))
