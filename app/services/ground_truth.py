"""Truth that is known beforehand, to measure annotators by.

Rule: a planted sample is not recognisable. The truth lies beside the samples, so planting changes nothing of them, no
time and no entity tag; no answer, no list and no audit event names which they are, only how many.
"""

from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.labels import LabelSchema
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, Invalid, NotFound
from app.schemas.ground_truth import GroundTruthPlant, GroundTruthView, KnownTruth
from app.services import audit, label_records
from app.services.access import fetch, open_dataset
from app.services.upserts import upsert
from app.tables import GroundTruth, TrainingDataset, TrainingSample
from app.tables.base import utcnow


def plant(session: Session, actor: Actor, dataset_id: UUID, request: GroundTruthPlant) -> GroundTruthView:
    """Remember what samples really show; a later truth about a sample replaces the earlier one."""
    require(actor, Permission.SAMPLES_VERIFY)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id)
    rows = _given(session, dataset, request.samples) if request.samples else _drawn(session, dataset, request)
    now = utcnow()
    common = {"dataset_id": dataset.id, "planted_by": actor.user_id, "planted_at": now}
    kept = ("labels", "annotations", "planted_by", "planted_at")
    upsert(session, GroundTruth, [{**row, **common} for row in rows], keys=("sample_id",), replaced=kept)
    audit.record(session, actor, "ground_truth.plant", dataset, after={"count": len(rows)})
    return _count(session, dataset_id)


def show(session: Session, actor: Actor, dataset_id: UUID) -> GroundTruthView:
    """How many samples are planted."""
    require(actor, Permission.SAMPLES_VERIFY)
    fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    return _count(session, dataset_id)


def remove(session: Session, actor: Actor, dataset_id: UUID) -> GroundTruthView:
    """Forget all planted truths of the dataset: single ones cannot be named."""
    require(actor, Permission.SAMPLES_VERIFY)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    before = _count(session, dataset_id)
    session.exec(delete_rows(GroundTruth).where(col(GroundTruth.dataset_id) == dataset_id))
    audit.record(session, actor, "ground_truth.remove", dataset, before={"count": before.planted})
    return _count(session, dataset_id)


def _count(session: Session, dataset_id: UUID) -> GroundTruthView:
    query = select(func.count()).select_from(GroundTruth).where(GroundTruth.dataset_id == dataset_id)
    return GroundTruthView(planted=session.exec(query).one())


def _given(session: Session, dataset: TrainingDataset, truths: list[KnownTruth]) -> list[dict[str, object]]:
    """The truths of a request, checked by the dataset's schema and each sample's picture."""
    wanted = {truth.sample_id: truth for truth in truths}
    if len(wanted) != len(truths):
        raise Invalid("The same sample_id stands twice in this request.", field="samples")
    query = select(TrainingSample).where(TrainingSample.dataset_id == dataset.id, col(TrainingSample.id).in_(wanted))
    rows = {row.id: row for row in session.exec(query)}
    schema, made = LabelSchema.of(dataset.label_schema), list[dict[str, object]]()
    for sample_id, truth in wanted.items():
        if sample_id not in rows:
            raise NotFound(f"There is no sample {sample_id} in dataset {dataset.name!r}.")
        if not truth.says_something:
            raise Invalid(f"Sample {sample_id}: a truth needs labels or annotations.", field="samples")
        value = label_records.checked(schema, rows[sample_id], truth)
        made.append({"sample_id": sample_id, "labels": value.labels, "annotations": value.annotations})
    return made


def _drawn(session: Session, dataset: TrainingDataset, request: GroundTruthPlant) -> list[dict[str, object]]:
    """Verified samples at random, with what was verified about them."""
    known = select(GroundTruth.sample_id).where(GroundTruth.dataset_id == dataset.id)
    query = (
        select(TrainingSample)
        .where(
            TrainingSample.dataset_id == dataset.id,
            col(TrainingSample.is_verified),
            col(TrainingSample.withdrawn_at).is_(None),
            col(TrainingSample.id).not_in(known),
        )
        .order_by(func.random())
        .limit(request.from_verified)
    )
    rows = [{"sample_id": one.id, "labels": one.labels, "annotations": one.annotations} for one in session.exec(query)]
    if not rows:
        raise Conflict(f"No verified sample of {dataset.name!r} is without a planted truth. Verify some first.")
    return rows
