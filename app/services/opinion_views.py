"""Looking at opinions: of one sample, the queue of disagreements, and how far a dataset is."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.domain.consensus import Difference, Proposal
from app.domain.permissions import Actor, Permission, PersonActor, permissions_of, require
from app.infra.object_store import ObjectStore
from app.schemas.base import Page
from app.schemas.opinions import (
    AnnotatorProgress,
    DecisionFilter,
    DecisionView,
    DifferenceView,
    DisagreementFilter,
    DisagreementView,
    OpinionProgress,
    OpinionsView,
    OpinionView,
    ProposalView,
)
from app.services import opinions
from app.services.access import fetch, fetch_sample
from app.services.paging import paged
from app.tables import (
    ConsensusDecision,
    SampleAnnotation,
    SampleAssignment,
    SampleDisagreement,
    TrainingDataset,
    TrainingSample,
    User,
)

SHOWN = 50  # people and decisions; there are as many as super admins who label


def show(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID) -> OpinionsView:
    """The opinions about one sample, as far as the caller may know them."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = fetch_sample(session, dataset, sample_id)
    return of_sample(session, actor, dataset, row)


def of_sample(session: Session, actor: Actor, dataset: TrainingDataset, row: TrainingSample) -> OpinionsView:
    """The same of a row that the caller fetched."""
    require(actor, Permission.DATASETS_READ)
    state = opinions.states(session, dataset, [row]).get(row.id, opinions.SINGLE)
    said = opinions.of_samples(session, [row.id])[row.id]
    given, proposal, decisions = len(said), None, []
    if state == opinions.COLLECTING:
        said = [one for one in said if isinstance(actor, PersonActor) and one.annotator_id == actor.user_id]
    else:
        decisions = _decisions(session, actor, row.id)
    if state == opinions.DISPUTED:
        proposal = _proposal(opinions.proposal_of(dataset, (row.width, row.height), said))
    names = _names(session, actor, (one.annotator_id for one in said))
    return OpinionsView(
        sample_id=row.id,
        state=state,
        wanted=opinions.wanted(dataset, row.id),
        given=given,
        opinions=[
            OpinionView(annotator=names.get(one.annotator_id, ""), **one.model_dump(exclude={"id", "sample_id"}))
            for one in said[:SHOWN]
        ],
        proposal=proposal,
        decisions=decisions,
    )


def list_disagreements(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: DisagreementFilter,
    store: ObjectStore,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[DisagreementView]:
    """One page of the samples about which people differ and nobody decided, each with a URL of its picture."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    query = select(SampleDisagreement).where(SampleDisagreement.dataset_id == dataset.id)
    show = DisagreementView.model_validate
    page = paged(session, query, SampleDisagreement, show, wanted, cursor, limit, scope=dataset.id)
    ids = [one.sample_id for one in page.items]
    pictures = select(TrainingSample.id, TrainingSample.thumbnail_url, TrainingSample.file_url)
    urls = {
        sample_id: store.presigned_get(store.key(thumbnail or file), 3600)
        for sample_id, thumbnail, file in session.exec(pictures.where(col(TrainingSample.id).in_(ids)))
    }
    items = [one.model_copy(update={"url": urls.get(one.sample_id, "")}) for one in page.items]
    return page.model_copy(update={"items": items})


def list_decisions(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    wanted: DecisionFilter,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[DecisionView]:
    """One page of what was decided, undone decisions too; not of samples that collect opinions again."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    hidden = select(TrainingSample.id).where(
        TrainingSample.id == ConsensusDecision.sample_id, opinions.collects(dataset)
    )
    query = select(ConsensusDecision).where(ConsensusDecision.dataset_id == dataset.id, ~hidden.exists())
    show = DecisionView.model_validate
    page = paged(session, query, ConsensusDecision, show, wanted, cursor, limit, scope=dataset.id)
    names = _names(session, actor, (one.decided_by for one in page.items if one.decided_by is not None))
    return page.model_copy(update={"items": [_named(one, names) for one in page.items]})


def progress(session: Session, actor: Actor, dataset_id: UUID) -> OpinionProgress:
    """How many samples have how many opinions, what became of them, and who gave how many."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    by_count = _by_count(session, dataset)
    disagreements = select(func.count()).where(SampleDisagreement.dataset_id == dataset.id)
    agreed = select(func.count()).where(
        TrainingSample.dataset_id == dataset.id, opinions.asked(dataset), col(TrainingSample.is_labeled)
    )
    return OpinionProgress(
        opinions_per_sample=dataset.opinions_per_sample,
        opinions_share=dataset.opinions_share,
        consensus_quorum=dataset.consensus_quorum,
        consensus_iou=float(dataset.consensus_iou),
        asked=sum(by_count),
        by_count=by_count,
        agreed=session.exec(agreed).one(),
        disagreements=session.exec(disagreements).one(),
        annotators=_annotators(session, actor, dataset),
    )


def _names(session: Session, actor: Actor, user_ids: Iterable[int]) -> dict[int, str]:
    """The names of people, for callers who may know people."""
    if Permission.USERS_READ not in permissions_of(actor):
        return {}
    return dict(session.exec(select(User.id, User.name).where(col(User.id).in_(set(user_ids)))).all())  # type: ignore[arg-type]


def _by_count(session: Session, dataset: TrainingDataset) -> list[int]:
    """How many asked samples have 0, 1, … opinions; the last entry counts those that have all that are asked."""
    counts = [0] * (dataset.opinions_per_sample + 1)
    own = (TrainingSample.dataset_id == dataset.id, opinions.asked(dataset))
    each = (
        select(func.count().label("given"))
        .select_from(SampleAnnotation)
        .join(TrainingSample, col(TrainingSample.id) == col(SampleAnnotation.sample_id))
        .where(*own)
        .group_by(col(SampleAnnotation.sample_id))
        .subquery()
    )
    for given, samples in session.exec(select(each.c.given, func.count()).group_by(each.c.given)):
        counts[min(given, dataset.opinions_per_sample)] += samples
    total = session.exec(select(func.count()).select_from(TrainingSample).where(*own)).one()
    counts[0] = total - sum(counts[1:])
    return counts


def _annotators(session: Session, actor: Actor, dataset: TrainingDataset) -> list[AnnotatorProgress]:
    own = (TrainingSample.dataset_id == dataset.id, opinions.asked(dataset))
    given = (
        select(SampleAnnotation.annotator_id, func.count())
        .join(TrainingSample, col(TrainingSample.id) == col(SampleAnnotation.sample_id))
        .where(*own)
        .group_by(col(SampleAnnotation.annotator_id))
        .order_by(func.count().desc(), col(SampleAnnotation.annotator_id))
        .limit(SHOWN)
    )
    handed = (
        select(SampleAssignment.annotator_id, func.count())
        .join(TrainingSample, col(TrainingSample.id) == col(SampleAssignment.sample_id))
        .where(*own, opinions.collects(dataset), col(SampleAssignment.done_at).is_(None))
        .group_by(col(SampleAssignment.annotator_id))
    )
    counts, waiting = dict(session.exec(given).all()), dict(session.exec(handed).all())
    people = [*counts, *(one for one in waiting if one not in counts)]
    names = _names(session, actor, people)
    return [
        AnnotatorProgress(
            annotator_id=one, annotator=names.get(one, ""), given=counts.get(one, 0), waiting=waiting.get(one, 0)
        )
        for one in people
    ]


def _decisions(session: Session, actor: Actor, sample_id: UUID) -> list[DecisionView]:
    query = select(ConsensusDecision).where(ConsensusDecision.sample_id == sample_id)
    newest = col(ConsensusDecision.created_at).desc(), col(ConsensusDecision.id).desc()
    rows = session.exec(query.order_by(*newest).limit(SHOWN)).all()
    names = _names(session, actor, (row.decided_by for row in rows if row.decided_by is not None))
    return [_named(DecisionView.model_validate(row), names) for row in rows]


def _named(decision: DecisionView, names: dict[int, str]) -> DecisionView:
    return decision.model_copy(update={"decided_by_name": names.get(decision.decided_by or 0, "")})


def _proposal(found: Proposal) -> ProposalView:
    return ProposalView(
        labels=found.labels,
        annotations=found.annotations,
        differences=[_difference(one) for one in found.differences],
        is_complete=found.is_complete,
        agreement_percent=int(found.agreement * 100),
    )


def _difference(one: Difference) -> DifferenceView:
    return DifferenceView(kind=one.kind, name=one.name, votes=one.votes, box=list(one.box) if one.box else None)
