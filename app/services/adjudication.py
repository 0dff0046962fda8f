"""What people do where several are asked: set how many, give an opinion, decide between opinions, undo a decision.

Each holds the lock of the dataset, so of several at once each sees what the one before did.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_
from sqlmodel import Session, col, select

from app.domain.labels import LabelSchema
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, NotFound
from app.schemas.datasets import DatasetView
from app.schemas.opinions import Adjudicate, DecisionView, OpinionSettings, OpinionsView
from app.schemas.samples import SampleLabel
from app.services import audit, consensus, etags, label_records, opinion_views, opinions, sample_labels
from app.services.access import fetch_sample, open_dataset
from app.services.etags import IfMatch
from app.tables import ConsensusDecision, SampleAnnotation, SampleDisagreement, TrainingDataset, TrainingSample

BATCH = 500


def configure(
    session: Session, actor: Actor, dataset_id: UUID, request: OpinionSettings, if_match: IfMatch = None
) -> DatasetView:
    """Say how many opinions the samples of a dataset take. Samples that have enough of them by that are settled."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    etags.check(DatasetView.model_validate(dataset), if_match)
    collected = opinions.collects(dataset)
    changes = request.model_dump()
    before = {name: getattr(dataset, name) for name in changes} | {"consensus_iou": float(dataset.consensus_iou)}
    dataset.sqlmodel_update(changes)
    sample_labels.touch(session, dataset)
    _settle_ready(session, actor, dataset, collected)
    audit.record(session, actor, "dataset.opinions", dataset, before=before, after=changes)
    return DatasetView.model_validate(dataset)


def give(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, request: SampleLabel) -> OpinionsView:
    """Say what a sample shows about which several people are asked, or take back what was said, while it collects."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    state = opinions.states(session, dataset, [row]).get(row.id)
    if state != opinions.COLLECTING:
        raise Conflict(_NOT_COLLECTING[state].format(row.id))
    if request.says_something:
        value = label_records.checked(LabelSchema.of(dataset.label_schema), row, request)
        consensus.collect(session, actor, dataset, [(row, value)])
    else:
        label_records.take_back(session, actor.user_id, row.id)
    sample_labels.touch(session, dataset)
    audit.record(session, actor, "sample.opinion", row, organization_id=dataset.organization_id)
    return opinion_views.of_sample(session, actor, dataset, row)


def adjudicate(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, request: Adjudicate) -> OpinionsView:
    """Decide what a sample shows about which people differ."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    if session.exec(select(SampleDisagreement.id).where(SampleDisagreement.sample_id == row.id)).first() is None:
        raise Conflict(f"There is nothing to decide about sample {row.id}: no disagreement is open about it.")
    if request.choice == "edited":
        value = label_records.checked(LabelSchema.of(dataset.label_schema), row, request)
        consensus.edit(session, actor, dataset, [(row, value)], request.reason)
    else:
        consensus.choose(session, actor, dataset, row, request)
    sample_labels.touch(session, dataset)
    return opinion_views.of_sample(session, actor, dataset, row)


def undo(session: Session, actor: Actor, decision_id: UUID) -> DecisionView:
    """Put a sample back to what it said before a decision, unless it was reviewed or labelled again since."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    decision = session.get(ConsensusDecision, decision_id)
    if decision is None:
        raise NotFound(f"There is no decision {decision_id}.")
    dataset = open_dataset(session, actor, decision.dataset_id, lock=True)
    session.refresh(decision)
    row = fetch_sample(session, dataset, decision.sample_id)
    before = {"kind": decision.kind, "sample_id": str(row.id), **label_records.snapshot(row)}
    consensus.undo(session, actor, dataset, decision, row)
    sample_labels.touch(session, dataset)
    after = {"sample_id": str(row.id), **label_records.snapshot(row)}
    owner = dataset.organization_id
    audit.record(session, actor, "consensus.undo", decision, before=before, after=after, organization_id=owner)
    return DecisionView.model_validate(decision)


def _settle_ready(
    session: Session, actor: PersonActor, dataset: TrainingDataset, collected: ColumnElement[bool]
) -> None:
    """Settle, in batches, what has all its opinions under the settings that hold now. `collected`: what did before."""
    enough = case((opinions.asked(dataset), dataset.opinions_per_sample), else_=1)
    waiting = (
        select(TrainingSample)
        .join(SampleAnnotation, col(SampleAnnotation.sample_id) == col(TrainingSample.id))
        .where(TrainingSample.dataset_id == dataset.id, or_(collected, opinions.collects(dataset)))
        .group_by(col(TrainingSample.id))
        .having(func.count() >= enough)
        .limit(BATCH)
    )
    while ready := session.exec(waiting).all():
        consensus.settle(session, actor, dataset, ready)
        for row in ready:
            session.expunge(row)


_NOT_COLLECTING = {
    None: "One person labels sample {}. Label it as any other.",
    opinions.DISPUTED: "All opinions about sample {} are in, and open to all. What remains is to decide between them.",
    opinions.AGREED: "People agreed about sample {}. Label it again to correct that.",
}
