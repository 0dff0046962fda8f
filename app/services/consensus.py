"""How opinions become the label of a sample: by themselves where all agree, by an adjudicator where they do not.

Every step is a `ConsensusDecision` with what the sample said before, so it can be undone; at most one stands at a time.
Callers hold the lock of the dataset, so of people who answer at once the last one settles, once. What is said here
about `labeled_by`: it names the author, whose words the label is. Where several said it, that is the first of them;
where an adjudicator wrote a label of their own, it is the adjudicator; whoever only chooses is not the author. Nobody
decides about an opinion of their own, and nobody whose opinion went in verifies the label (`authors`).
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select, update

from app.domain.labels import LabelValue
from app.domain.permissions import PersonActor
from app.errors import Conflict, Forbidden, Invalid
from app.schemas.opinions import Adjudicate
from app.services import audit, label_records, opinions
from app.tables import ConsensusDecision, SampleAnnotation, SampleDisagreement, TrainingDataset, TrainingSample
from app.tables.base import utcnow

Labelled = Sequence[tuple[TrainingSample, LabelValue]]


def collect(session: Session, actor: PersonActor, dataset: TrainingDataset, values: Labelled) -> None:
    """`actor` says what samples that collect show; those whose opinions are all in are settled."""
    if not values:
        return
    label_records.keep_replaced(session, actor.user_id, [row.id for row, _ in values])
    label_records.remember_opinions(session, actor.user_id, [(row.id, value) for row, value in values])
    label_records.mark_answered(session, actor.user_id, [row.id for row, _ in values])
    settle(session, actor, dataset, [row for row, _ in values])


def settle(session: Session, actor: PersonActor, dataset: TrainingDataset, rows: Sequence[TrainingSample]) -> None:
    """Agree on those of `rows`, which collect, about which all said the same; queue those where people differ."""
    given = opinions.of_samples(session, [row.id for row in rows])
    for row in rows:
        said = given[row.id]
        if len(said) < opinions.wanted(dataset, row.id):
            continue
        proposal = opinions.proposal_of(dataset, (row.width, row.height), said)
        if not proposal.is_unanimous:
            _queue(session, dataset, row, proposal.agreement, len(proposal.differences))
            continue
        value = LabelValue(proposal.labels, proposal.annotations)
        people = [one.annotator_id for one in said]
        decide(session, actor, dataset, row, "automatic", value, author=people[0], sources=people)
    session.flush()


def correct(session: Session, actor: PersonActor, dataset: TrainingDataset, values: Labelled) -> None:
    """`actor` writes another label over one that several people had agreed on. Their opinions stay what they were."""
    for row, value in values:
        sources = [actor.user_id]
        decide(session, actor, dataset, row, "corrected", value, author=actor.user_id, sources=sources)


def edit(session: Session, actor: PersonActor, dataset: TrainingDataset, values: Labelled, reason: str = "") -> None:
    """`actor`, who gave no opinion, writes the label of samples about which people differ."""
    given = opinions.of_samples(session, [row.id for row, _ in values]) if values else {}
    for row, value in values:
        _refuse_own_case(actor, dataset, row, given[row.id])
        # An adjudicator who writes what somebody said word for word has not become its only author.
        same = [one.annotator_id for one in given[row.id] if _says(one, value)]
        sources = [actor.user_id, *(person for person in same if person != actor.user_id)]
        decide(session, actor, dataset, row, "edited", value, author=actor.user_id, sources=sources, reason=reason)


def choose(
    session: Session, actor: PersonActor, dataset: TrainingDataset, row: TrainingSample, request: Adjudicate
) -> None:
    """`actor` takes the proposal, or one person's opinion, as the label of a sample about which people differ."""
    said = opinions.of_samples(session, [row.id])[row.id]
    if request.choice == "opinion":
        chosen = next((one for one in said if one.annotator_id == request.annotator_id), None)
        if chosen is None:
            raise Invalid(f"Person {request.annotator_id} gave no opinion about this sample.", field="annotator_id")
        if chosen.annotator_id == actor.user_id:
            _refuse_own_case(actor, dataset, row, said)
        value, sources = LabelValue(chosen.labels, chosen.annotations), [chosen.annotator_id]
    else:
        _refuse_own_case(actor, dataset, row, said)
        proposal = opinions.proposal_of(dataset, (row.width, row.height), said)
        if not proposal.is_complete:
            raise Conflict(
                "The votes are tied, so the proposal has no answer for everything. Choose one person's opinion, or "
                "write a label of your own."
            )
        value, sources = LabelValue(proposal.labels, proposal.annotations), [one.annotator_id for one in said]
    author, reason = sources[0], request.reason
    decide(session, actor, dataset, row, request.choice, value, author=author, sources=sources, reason=reason)


def decide(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    row: TrainingSample,
    kind: str,
    value: LabelValue,
    *,
    author: int,
    sources: list[int],
    reason: str = "",
) -> ConsensusDecision:
    """Make `value` the label of `row`, and write how that came about."""
    standing = standing_of(session, [row.id]).get(row.id)
    previous = {**label_records.snapshot(row), "decision_id": str(standing.id) if standing else None}
    label_records.agree(session, dataset, [(row, value)], author)
    decided_by = None if kind == "automatic" else actor.user_id
    decision = ConsensusDecision(
        sample_id=row.id,
        dataset_id=dataset.id,
        kind=kind,
        labels=value.labels,
        annotations=value.annotations,
        sources=sources,
        reason=reason,
        decided_by=decided_by,
        previous=previous,
    )
    session.add(decision)
    session.flush()
    after = {"sample_id": str(row.id), "kind": kind, "sources": sources, "reason": reason, "labels": value.labels}
    after |= {"annotations": value.annotations} if value.annotations else {}
    owner = dataset.organization_id
    audit.record(session, actor, "consensus.decide", decision, before=previous, after=after, organization_id=owner)
    return decision


def reopen(session: Session, dataset: TrainingDataset, row: TrainingSample) -> None:
    """Queue a sample that has no label any more, if all its opinions are in; if not, it goes on collecting them."""
    said = opinions.of_samples(session, [row.id])[row.id]
    if len(said) < 2 or len(said) < opinions.wanted(dataset, row.id):
        return
    proposal = opinions.proposal_of(dataset, (row.width, row.height), said)
    _queue(session, dataset, row, proposal.agreement, len(proposal.differences))
    session.flush()


def undo(
    session: Session, actor: PersonActor, dataset: TrainingDataset, decision: ConsensusDecision, row: TrainingSample
) -> None:
    """Put `row` back to what it said before `decision` about it."""
    _refuse_late_undo(row, decision)
    previous = dict(decision.previous)
    label_records.restore(session, dataset, row, previous)
    decision.undone_at, decision.undone_by = utcnow(), actor.user_id
    session.add(decision)
    session.flush()
    before_it = previous.get("decision_id")
    if before_it is not None:
        earlier = update(ConsensusDecision).where(col(ConsensusDecision.id) == UUID(before_it))
        session.exec(earlier.where(col(ConsensusDecision.undone_at).is_(None)).values(ended_at=None))
    if not row.is_labeled:
        reopen(session, dataset, row)


def authors(session: Session, sample_ids: Iterable[UUID]) -> dict[UUID, set[int]]:
    """Whose opinions went into the labels of these samples, where several people were asked."""
    return {sample_id: set(one.sources) for sample_id, one in standing_of(session, list(sample_ids)).items()}


def standing_of(session: Session, sample_ids: Sequence[UUID]) -> dict[UUID, ConsensusDecision]:
    """The decision that stands about each of the samples that has one."""
    query = select(ConsensusDecision).where(col(ConsensusDecision.sample_id).in_(sample_ids), label_records.stands())
    return {one.sample_id: one for one in session.exec(query.execution_options(populate_existing=True))}


def _queue(session: Session, dataset: TrainingDataset, row: TrainingSample, agreement: float, count: int) -> None:
    session.add(
        SampleDisagreement(
            sample_id=row.id,
            dataset_id=dataset.id,
            agreement_percent=int(agreement * 100),
            difference_count=count,
        )
    )


def _refuse_own_case(
    actor: PersonActor, dataset: TrainingDataset, row: TrainingSample, said: Sequence[SampleAnnotation]
) -> None:
    if dataset.single_person_review or all(one.annotator_id != actor.user_id for one in said):
        return
    raise Forbidden(
        f"You gave an opinion about sample {row.id} yourself. Take another person's opinion as it is, or leave the "
        "decision to somebody who gave none."
    )


def _refuse_late_undo(row: TrainingSample, decision: ConsensusDecision) -> None:
    if decision.undone_at is not None:
        raise Conflict("This decision was undone already.")
    if decision.ended_at is not None:
        raise Conflict("Another label took the place of this decision, so there is nothing to undo.")
    if (row.labels, row.annotations) != (decision.labels, decision.annotations):
        raise Conflict("The label of this decision was changed since, so there is nothing to undo.")
    if row.is_verified or row.rejection_reason is not None:
        word = "verified" if row.is_verified else "rejected"
        raise Conflict(
            f"The label of this decision was {word} since. Label the sample again instead, which asks for a new review."
        )


def _says(opinion: SampleAnnotation, value: LabelValue) -> bool:
    def boxes(annotations: Iterable[dict[str, Any]]) -> list[str]:
        return sorted(repr((one["class"], one["box"], sorted(one["attributes"].items()))) for one in annotations)

    return opinion.labels == value.labels and boxes(opinion.annotations) == boxes(value.annotations)
