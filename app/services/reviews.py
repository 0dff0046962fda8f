"""Decisions about labels: accept, or reject with a reason and the place that is meant.

Rules: author and reviewer stay two facts, and nobody decides about an own label unless the dataset says so
(`single_person_review`); every decision is kept as it was made (`review_decisions`), whatever is labelled later; the
counts of the dataset change under its row's lock, with the sample.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.labels import LabelSchema, LabelValue
from app.domain.machines import SampleStatus, advance, sample_status
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Forbidden, Invalid, NotFound
from app.schemas.reviews import Region, Verdict
from app.schemas.samples import SamplesVerified, SamplesVerify, SampleVerify, SampleView
from app.services import audit, consensus, etags, label_records, opinions, sample_labels
from app.services.access import fetch_sample, open_dataset
from app.services.etags import IfMatch
from app.tables import ReviewDecision, TrainingDataset, TrainingSample
from app.tables.base import utcnow


def verify(
    session: Session,
    actor: Actor,
    dataset_id: UUID,
    sample_id: UUID,
    request: SampleVerify,
    if_match: IfMatch = None,
) -> SampleView:
    """Accept or reject one label; a rejection may name the region that is wrong."""
    require(actor, Permission.SAMPLES_VERIFY)
    assert isinstance(actor, PersonActor)
    _check(request)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    etags.check(opinions.shown(session, actor, dataset, row), if_match)
    if request.region is not None:
        _check_region(request.region, row)
    _record(session, actor, dataset, [row], request, request.region, _fixed(dataset, row, request))
    return opinions.shown(session, actor, dataset, row)


def verify_many(session: Session, actor: Actor, dataset_id: UUID, request: SamplesVerify) -> SamplesVerified:
    """Record one decision for several samples: all of them or none."""
    require(actor, Permission.SAMPLES_VERIFY)
    assert isinstance(actor, PersonActor)
    _check(request)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    wanted = set(request.sample_ids)
    query = select(TrainingSample).where(TrainingSample.dataset_id == dataset.id, col(TrainingSample.id).in_(wanted))
    rows = list(session.exec(query))
    for sample_id in wanted - {row.id for row in rows}:
        raise NotFound(f"There is no sample {sample_id} in dataset {dataset.name!r}.")
    _record(session, actor, dataset, rows, request)
    return SamplesVerified(count=len(rows))


def _check(request: Verdict) -> None:
    if request.verified == (request.rejection_reason is not None):
        raise Invalid("A rejection needs a rejection_reason, and an acceptance has none.", field="rejection_reason")


def _check_region(region: Region, row: TrainingSample) -> None:
    """A region lies in the picture, in its pixels."""
    x, y, width, height = region
    if row.width is None or row.height is None or x + width > row.width or y + height > row.height:
        raise Invalid(
            f"The region reaches beyond the picture, which has {row.width}×{row.height} pixels.", field="region"
        )


def _fixed(dataset: TrainingDataset, row: TrainingSample, request: SampleVerify) -> LabelValue | None:
    """What the reviewer puts in place of the label; None if nothing, or what it says already."""
    if request.fix is None:
        return None
    if not request.verified or not request.fix.says_something:
        raise Invalid(
            "A fix is a label that is accepted: it needs labels or annotations, and no rejection.", field="fix"
        )
    value = label_records.checked(LabelSchema.of(dataset.label_schema), row, request.fix)
    return None if (value.labels, value.annotations) == (row.labels, row.annotations) else value


def _record(
    session: Session,
    actor: PersonActor,
    dataset: TrainingDataset,
    rows: Sequence[TrainingSample],
    verdict: Verdict,
    region: Region | None = None,
    fixed: LabelValue | None = None,
) -> None:
    """The decision on every row, beside it what was decided about, and one audit event for all."""
    before = {"samples": {str(row.id): sample_labels.agreed(row) for row in rows}}
    authors = consensus.authors(session, [row.id for row in rows])
    for row in rows:
        if actor.user_id in authors.get(row.id, ()) and not dataset.single_person_review:
            raise Forbidden(f"Your opinion went into the label of sample {row.id}; another person has to verify it.")
        kept = _kept(actor, row, verdict, region, fixed)
        _decide(actor, dataset, row, verdict)
        if fixed is not None:
            row.sqlmodel_update({"labels": fixed.labels, "annotations": fixed.annotations})
        session.add(kept)
    sample_labels.touch(session, dataset)
    decision = verdict.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sample_ids"})
    after = {"count": len(rows), **decision, "samples": list(before["samples"])}
    audit.record(session, actor, "sample.verify", dataset, before=before, after=after)
    session.flush()


def _kept(
    actor: PersonActor, row: TrainingSample, verdict: Verdict, region: Region | None, fixed: LabelValue | None
) -> ReviewDecision:
    """The record of a decision, with the label as it is before the decision changes anything."""
    decision = "fixed" if fixed is not None else "accepted" if verdict.verified else "rejected"
    return ReviewDecision(
        sample_id=row.id,
        dataset_id=row.dataset_id,
        reviewer_id=actor.user_id,
        author_id=row.labeled_by,
        decision=decision,
        reason=verdict.rejection_reason,
        region=list(region) if region else None,
        labels=row.labels,
        annotations=row.annotations,
        fixed_labels=fixed.labels if fixed is not None else None,
        fixed_annotations=fixed.annotations if fixed is not None else None,
    )


def _decide(actor: PersonActor, dataset: TrainingDataset, row: TrainingSample, verdict: Verdict) -> None:
    if row.labeled_by == actor.user_id and not dataset.single_person_review:
        raise Forbidden(f"You labelled sample {row.id} yourself; another person has to verify it.")
    target = SampleStatus.VERIFIED if verdict.verified else SampleStatus.REJECTED
    was = sample_status(row.is_labeled, row.is_verified, row.rejection_reason)
    advance(was, target, f"Sample {row.id}")
    changes: dict[str, Any] = {
        "is_verified": verdict.verified,
        "verified_by": actor.user_id,
        "rejection_reason": verdict.rejection_reason,
        "quality_score": sample_labels.quality(verdict.quality_score),
        "updated_at": utcnow(),
    }
    dataset.verified_count += int(verdict.verified) - int(row.is_verified)
    row.sqlmodel_update(changes)
