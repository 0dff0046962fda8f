"""What accuracy is measured against: labels that somebody verified, or truth that was planted.

Rule for planted truth: nothing may tell which samples it is about. So it is never combined with a filter that could
single out a sample, and each person's answers to planted samples are counted in whole steps, the oldest first: who
looks after every label does not see the figure move with it.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, cast, exists, false, func, null, or_
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.sql.selectable import Subquery
from sqlmodel import col, select

from app.domain.labels import Task
from app.tables import GroundTruth, SampleAnnotation, TrainingSample

STEP = 5


def label_part(table: Any, task: Task) -> Any:
    """The part of a stored label that says something: the class or classes, or those of all boxes and their edges.

    Of a box the database sends only these, flat: reading the rest out of JSON takes longer than all that is measured.
    """
    if task == Task.DETECTION:
        return func.jsonb_build_array(_of_boxes(table, "$[*].class"), _of_boxes(table, "$[*].box[*]"), type_=JSONB)
    return col(table.labels)["class" if task == Task.CLASSIFICATION else "classes"]  # type: ignore[index]


def _of_boxes(table: Any, path: str) -> Any:
    return func.jsonb_path_query_array(col(table.annotations), cast(path, JSONPATH))


def verified(task: Task, samples: list[ColumnElement[bool]], answers: list[ColumnElement[bool]]) -> Select[Any]:
    """The verified labels of `samples` that have `answers`: sample, nobody, label, moment, false."""
    asked = exists().where(col(SampleAnnotation.sample_id) == col(TrainingSample.id), *answers)
    return select(*_columns(TrainingSample, task)).where(*samples, col(TrainingSample.is_verified), asked)  # type: ignore[call-overload, no-any-return]


def planted(task: Task, samples: list[ColumnElement[bool]]) -> Select[Any]:
    """The planted truths about `samples`, in the same columns."""
    query = select(*_columns(GroundTruth, task))  # type: ignore[call-overload]
    return query.join(TrainingSample, col(TrainingSample.id) == GroundTruth.sample_id).where(*samples)  # type: ignore[no-any-return]


def _columns(table: Any, task: Task) -> tuple[Any, ...]:
    moment = col(TrainingSample.updated_at)
    return col(TrainingSample.id), cast(null(), Integer), label_part(table, task), moment, false()


def confirmed_verified() -> ColumnElement[bool]:
    """An answer of the person who verified the sample."""
    return and_(col(TrainingSample.is_verified), col(TrainingSample.verified_by) == col(SampleAnnotation.annotator_id))


def not_measured_by_planted(samples: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """An answer of somebody who knows the planted truth, or one that no whole step holds yet."""
    ranked = _ranked(samples)
    counted = exists().where(ranked.c.answer == col(SampleAnnotation.id), ranked.c.number <= ranked.c.whole)
    return ~counted


def _ranked(samples: list[ColumnElement[bool]]) -> Subquery:
    person = col(SampleAnnotation.annotator_id)
    # The truth may have been made from the label that this very person gave before; a truth that was there already was
    # not. Leaving those out would leave out right answers only.
    own = and_(
        col(SampleAnnotation.created_at) < col(GroundTruth.planted_at),
        col(TrainingSample.is_labeled),
        col(TrainingSample.labeled_by) == person,
        col(TrainingSample.labels) == col(GroundTruth.labels),
        col(TrainingSample.annotations) == col(GroundTruth.annotations),
    )
    knows = or_(col(GroundTruth.planted_by) == person, func.coalesce(confirmed_verified(), false()), own)
    order = (col(SampleAnnotation.created_at), col(SampleAnnotation.id))
    count = func.count().over(partition_by=person)
    return (
        select(  # type: ignore[call-overload, no-any-return]
            col(SampleAnnotation.id).label("answer"),
            func.row_number().over(partition_by=person, order_by=order).label("number"),
            (count - count % STEP).label("whole"),
        )
        .join(GroundTruth, col(GroundTruth.sample_id) == SampleAnnotation.sample_id)
        .join(TrainingSample, col(TrainingSample.id) == SampleAnnotation.sample_id)
        .where(*samples, ~func.coalesce(knows, false()))
        .subquery()
    )
