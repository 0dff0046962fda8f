"""Independent opinions about samples, and the one rule of who sees what of them.

A dataset asks `opinions_per_sample` people about a share of its samples. Such a sample *collects* while it has no label
and no disagreement stands about it. While it collects, everybody sees of it what they said themselves, and of the
others only how many they are: not through a sample, a list, an export or the audit log, because what is agreed is empty
until all opinions are in, and opinions are read through this module alone. Then all is open, and nobody changes an
opinion any more: people who know each other's answers are not independent.

Which samples are asked about is a hash of their id: the same on every call, and growing with the share.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, exists, false, func, not_, true
from sqlmodel import Session, col, select

from app.domain.consensus import Opinion, Proposal, Rule, majority, propose
from app.domain.labels import LabelSchema, checked_value
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.schemas.samples import OpinionState, SampleDetail, SampleView
from app.services import etags
from app.tables import SampleAnnotation, SampleDisagreement, TrainingDataset, TrainingSample

COLLECTING, DISPUTED, AGREED, SINGLE = "collecting", "disputed", "agreed", "single"
Shown = TypeVar("Shown", bound=SampleView)


def wanted(dataset: TrainingDataset, sample_id: UUID) -> int:
    """How many opinions `dataset` asks about this sample: at least one."""
    digest = hashlib.sha256(str(sample_id).encode()).digest()
    return dataset.opinions_per_sample if int.from_bytes(digest[:3]) % 100 < dataset.opinions_share else 1


def asked(dataset: TrainingDataset) -> ColumnElement[bool]:
    """The samples about which `dataset` asks several people: the same rule as `wanted`, in SQL."""
    if dataset.opinions_per_sample == 1 or dataset.opinions_share == 0:
        return false()
    if dataset.opinions_share == 100:
        return true()
    digest = func.sha256(func.convert_to(cast(col(TrainingSample.id), Text), "UTF8"))
    first, second, third = (func.get_byte(digest, place) for place in range(3))
    return (first * 65536 + second * 256 + third) % 100 < dataset.opinions_share


def collects(dataset: TrainingDataset) -> ColumnElement[bool]:
    """The samples whose opinions nobody may see but their own authors."""
    disputed = exists().where(col(SampleDisagreement.sample_id) == col(TrainingSample.id))
    return and_(asked(dataset), not_(col(TrainingSample.is_labeled)), not_(disputed))


def waits_for(actor: PersonActor, dataset: TrainingDataset) -> ColumnElement[bool]:
    """The samples that collect, and about which `actor` said nothing yet."""
    own = exists().where(
        col(SampleAnnotation.sample_id) == col(TrainingSample.id), col(SampleAnnotation.annotator_id) == actor.user_id
    )
    return and_(collects(dataset), not_(own))


def states(
    session: Session, dataset: TrainingDataset, samples: Sequence[TrainingSample | SampleView]
) -> dict[UUID, str]:
    """What became of each of `samples` about which several people are asked; the others are not in it."""
    if dataset.opinions_per_sample == 1:
        return {}
    among = [one for one in samples if wanted(dataset, one.id) > 1]
    undecided = [one.id for one in among if not one.is_labeled]
    disputed: set[UUID] = set()
    if undecided:
        query = select(SampleDisagreement.sample_id).where(col(SampleDisagreement.sample_id).in_(undecided))
        disputed = set(session.exec(query))
    return {one.id: AGREED if one.is_labeled else DISPUTED if one.id in disputed else COLLECTING for one in among}


def shown_to(session: Session, actor: Actor, dataset: TrainingDataset, views: Sequence[Shown]) -> list[Shown]:
    """`views` as `actor` may see them, in their order. Whatever shows samples shows them through here.

    A sample that collects shows its viewer's own opinion as its label, so that an editor can go on with it; one that
    is disputed shows the proposal. Neither is labelled, and the entity tag is of what is shown.
    """
    require(actor, Permission.DATASETS_READ)
    found = states(session, dataset, views)
    if not found:
        return list(views)
    given = of_samples(session, found)
    user_id = actor.user_id if isinstance(actor, PersonActor) else None
    return [_overlaid(dataset, one, found[one.id], given[one.id], user_id) if one.id in found else one for one in views]


def shown(session: Session, actor: Actor, dataset: TrainingDataset, row: TrainingSample) -> SampleView:
    """One sample as `actor` may see it."""
    require(actor, Permission.DATASETS_READ)
    (view,) = shown_to(session, actor, dataset, [SampleView.model_validate(row)])
    return view


def _overlaid(
    dataset: TrainingDataset, view: Shown, state: str, given: Sequence[SampleAnnotation], user_id: int | None
) -> Shown:
    mine = next((one for one in given if one.annotator_id == user_id), None)
    about = OpinionState(state=state, wanted=wanted(dataset, view.id), given=len(given), is_mine_given=mine is not None)
    over: dict[str, object] = {"opinions": about}
    if state == COLLECTING and mine is not None:
        over |= {"labels": mine.labels, "annotations": mine.annotations}
    elif state == DISPUTED:
        proposal = proposal_of(dataset, (view.width, view.height), given)
        over |= {"labels": proposal.labels, "annotations": proposal.annotations}
    shown = view.model_copy(update=over)
    if not isinstance(shown, SampleDetail):
        return shown
    bare = SampleView.model_construct(**{name: getattr(shown, name) for name in SampleView.model_fields})
    return shown.model_copy(update={"etag": etags.etag(bare)})


def of_samples(session: Session, sample_ids: Iterable[UUID]) -> Mapping[UUID, list[SampleAnnotation]]:
    """All opinions about each sample, the oldest first. Not for showing: see the rule of this module."""
    query = select(SampleAnnotation).where(col(SampleAnnotation.sample_id).in_(list(sample_ids)))
    # They are written past the session, so what it remembers of them may be old.
    query = query.execution_options(populate_existing=True)
    found: dict[UUID, list[SampleAnnotation]] = defaultdict(list)
    for opinion in session.exec(query.order_by(col(SampleAnnotation.created_at), col(SampleAnnotation.id))):
        found[opinion.sample_id].append(opinion)
    return found


def proposal_of(
    dataset: TrainingDataset, size: tuple[int | None, int | None], opinions: Sequence[SampleAnnotation]
) -> Proposal:
    """What `opinions` say together, as a value that fits the dataset's schema. See `app.domain.consensus`."""
    schema = LabelSchema.of(dataset.label_schema)
    quorum = min(dataset.consensus_quorum or majority(len(opinions)), len(opinions))
    rule = Rule(schema.task, quorum, float(dataset.consensus_iou))
    found = propose([Opinion(one.annotator_id, one.labels, one.annotations) for one in opinions], rule)
    if not found.is_complete:
        return found
    width, height = size
    known = (width, height) if width is not None and height is not None else None
    value = checked_value(schema, found.labels, found.annotations, known)
    return Proposal(value.labels, value.annotations, found.differences, True, found.agreement)
