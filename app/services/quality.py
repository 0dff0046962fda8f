"""How far the people who label a dataset agree, how often they are right, and how fast they are.

One report is one look at the database: its queries see the same moment, `as_of`. Nothing is kept from one report to the
next, so no figure can be stale.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, func, select

from app.domain.agreement import figures
from app.domain.agreement.answers import MOST_PAIRED, Categories
from app.domain.agreement.figures import Estimate
from app.domain.labels import LabelSchema, Task
from app.domain.permissions import Actor, Permission, PersonActor, permissions_of, require
from app.errors import Invalid
from app.infra.db import hold_still
from app.schemas.quality import (
    AccuracyView,
    AnnotatorQuality,
    ClassQuality,
    EstimateView,
    PaceView,
    PairQuality,
    QualityFilter,
    QualityReport,
    WeekAnnotator,
    WeekQuality,
)
from app.services import opinions
from app.services.access import fetch
from app.services.quality_answers import Pace, Scope
from app.services.quality_confusion import confusions
from app.services.quality_measure import Measured, measure
from app.tables import TrainingDataset, User

MOST_PEOPLE = 50


@dataclass(frozen=True)
class _Asked:
    """What the report is about: one class or all (`category`), everybody or one or two people (their ids)."""

    category: int | None
    annotator: int | None
    other: int | None

    def concerns(self, *people: int) -> bool:
        return all(person in people for person in (self.annotator, self.other) if person is not None)


def report(session: Session, actor: Actor, dataset_id: UUID, wanted: QualityFilter) -> QualityReport:
    """Everything that can be said about the labels of a dataset as they are now."""
    require(actor, Permission.DATASETS_READ)
    hold_still(session)
    return report_of(session, actor, dataset_id, wanted)


def report_of(session: Session, actor: Actor, dataset_id: UUID, wanted: QualityFilter) -> QualityReport:
    """`report` in a transaction that holds still already."""
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    schema = LabelSchema.of(dataset.label_schema)
    categories = Categories(tuple(known.name for known in schema.classes))
    asked = _asked(wanted, categories)
    threshold = float(dataset.consensus_iou)
    planted = wanted.against == "planted"
    scope = Scope(dataset_id, schema.task, opinions.collects(dataset), wanted.since, wanted.until, planted)
    found = measure(session, scope, categories, threshold)
    may_name = Permission.USERS_READ in permissions_of(actor)
    names = _names(session, found.people[:MOST_PEOPLE]) if may_name else {}
    between, against = confusions(found, asked.category, asked.annotator, asked.other)
    tally = found.tally
    return QualityReport(
        dataset_id=dataset_id,
        task=schema.task,
        as_of=session.exec(select(func.now())).one(),
        samples=found.samples,
        compared=found.compared,
        referenced=0 if planted else found.referenced,
        opinions=sum(one.opinions for one in found.paces if one.week is None),
        is_complete=found.is_complete,
        overlap_from=threshold if schema.task == Task.DETECTION else None,
        resamples=tally.resamples,
        alpha=_view(figures.alpha(tally, tally.everybody, asked.category)),
        classes=[
            ClassQuality(name=known.name, color=known.color, alpha=_view(figures.alpha(tally, tally.everybody, number)))
            for number, known in enumerate(schema.classes)
            if asked.category in (None, number)
        ],
        annotators=_annotators(
            found, asked, names, actor.user_id if planted and isinstance(actor, PersonActor) else None
        ),
        more_annotators=max(0, len(found.people) - MOST_PEOPLE),
        pairs=_pairs(found, asked),
        confusion=between,
        against_reference=None if planted else against,
        weeks=[_week(found, asked, number, week, right=not planted) for number, week in enumerate(found.weeks)],
    )


def _asked(wanted: QualityFilter, categories: Categories) -> _Asked:
    if wanted.other is not None and wanted.annotator in (None, wanted.other):
        raise Invalid("`other` names the second of two people; name another one as `annotator`.", field="query.other")
    if wanted.label is not None and wanted.label not in categories.names:
        listed = ", ".join(sorted(categories.names)[:30])
        raise Invalid(f"{wanted.label!r} is not a class of this dataset. Its classes: {listed}.", field="query.label")
    if wanted.against == "planted" and {wanted.annotator, wanted.other, wanted.since, wanted.until} != {None}:
        raise Invalid(
            "Planted truth is measured over everything, so that nobody learns which samples it is about. Take away "
            "every filter but the class.",
            field="query.against",
        )
    category = categories.names.index(wanted.label) if wanted.label is not None else None
    return _Asked(category, wanted.annotator, wanted.other)


def _names(session: Session, people: Iterable[int]) -> dict[int, str]:
    rows = session.exec(select(col(User.id), User.name).where(col(User.id).in_(list(people))))
    return {person: name for person, name in rows if person is not None}


def _annotators(found: Measured, asked: _Asked, names: dict[int, str], unseen: int | None) -> list[AnnotatorQuality]:
    """A line for each person, the busiest first; without accuracy for `unseen`.

    Nobody sees their own accuracy against planted truth: changing one's answers and watching it would tell the truth.
    """
    shown = []
    overall = {one.annotator_id: one for one in found.paces if one.week is None}
    for number, person in enumerate(found.people[:MOST_PEOPLE]):
        if asked.annotator is not None and person not in (asked.annotator, asked.other):
            continue
        others = range(min(len(found.people), MOST_PAIRED))
        agreed = figures.of_one(found.tally, number, others, asked.category)
        right = figures.against_reference(found.tally, number, found.reference, asked.category)
        shown.append(
            AnnotatorQuality(
                annotator_id=person,
                name=names.get(person),
                opinions=overall[person].opinions,
                kappa=_view(agreed.kappa) if agreed else None,
                accuracy=_accuracy(right) if right and person != unseen else None,
                pace=_pace(overall[person]),
            )
        )
    return shown


def _accuracy(right: figures.Right) -> AccuracyView:
    return AccuracyView(score=_view(right.score), precision=_view(right.precision), recall=_view(right.recall))


def _pace(pace: Pace) -> PaceView:
    return PaceView(median=pace.median, p90=pace.p90, samples=pace.timed)


def _pairs(found: Measured, asked: _Asked) -> list[PairQuality]:
    shown = []
    for first, second in sorted(found.tally.pairs):
        if second == found.reference or not asked.concerns(found.people[first], found.people[second]):
            continue
        two = figures.of_two(found.tally, first, second, asked.category)
        assert two is not None
        boxes = found.task == Task.DETECTION
        shown.append(
            PairQuality(
                first=found.people[first],
                second=found.people[second],
                kappa=_view(two.kappa),
                same=_view(two.same),
                found=None if found.task == Task.CLASSIFICATION else _view(two.found),
                overlap=_view(two.iou) if boxes else None,
            )
        )
    return shown


def _week(found: Measured, asked: _Asked, number: int, week: date, *, right: bool) -> WeekQuality:
    sums = found.tally.weeks.get(number)
    people = []
    for pace in found.paces:
        if pace.week != week or (
            asked.annotator is not None and pace.annotator_id not in (asked.annotator, asked.other)
        ):
            continue
        counts = found.right[number, found.numbers[pace.annotator_id]].tolist()
        people.append(
            WeekAnnotator(
                annotator_id=pace.annotator_id,
                opinions=pace.opinions,
                seconds=pace.median,
                right=_right(found.task, *counts) if right and counts[3] else None,
            )
        )
    alpha = _view(figures.alpha(found.tally, sums, asked.category)) if sums else None
    return WeekQuality(starts=week, alpha=alpha, annotators=people[:MOST_PEOPLE])


def _right(task: Task, both: int, said: int, truth: int, items: int) -> EstimateView:
    """Of one person in one week; of boxes and several labels the F-measure, without an interval."""
    if task == Task.CLASSIFICATION:
        return _view(figures.share(both, items))
    value = 2 * both / (said + truth) if said + truth else None
    return EstimateView(value=value, low=None, high=None, items=items, samples=items)


def _view(estimate: Estimate) -> EstimateView:
    return EstimateView(**vars(estimate))
