"""Which samples a `SampleFilter` wants, as conditions of SQL that the indexes of `training_samples` know.

Each condition is written as its index is (`app/tables/samples.py`), or the planner does not see that they belong
together: `./trainyard bench data` looks at the plans and the time with 1,000,000 samples.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, or_
from sqlmodel import col

from app.domain.labels import LabelSchema, Task
from app.domain.machines import SampleStatus
from app.errors import Invalid
from app.schemas.samples import SampleFilter
from app.services import sample_labels
from app.services.filtering import within
from app.tables import TrainingDataset, TrainingSample
from app.tables.samples import class_names, imported_split, name_words, only_class

_S = TrainingSample
# Columns that may be empty: a list in their order is of those that have one.
MAY_BE_MISSING = ("captured_at", "quality_score", "frame_ms")
_EQUAL = ("labeled_by", "verified_by", "file_type", "source_camera_id", "near_group", "video_id")
_WORD = re.compile(r"[^\W_]+")


def conditions(dataset: TrainingDataset, wanted: SampleFilter) -> list[ColumnElement[bool]]:
    """What the samples of `dataset` that `wanted` describes have in common."""
    if wanted.sort.endswith("frame_ms") and wanted.video_id is None:
        raise Invalid("Frames have an order inside their video: give its video_id too.", field="query.sort")
    found = [
        col(_S.dataset_id) == dataset.id,
        *(col(getattr(_S, name)) == getattr(wanted, name) for name in _EQUAL if getattr(wanted, name) is not None),
        *within(_S.captured_at, wanted.captured_since, wanted.captured_until),
        *within(_S.created_at, wanted.created_since, wanted.created_until),
        *_between(_S.file_size, wanted.size_min, wanted.size_max),
        *_between(_S.quality_score, wanted.quality_min, wanted.quality_max),
        *_present(_S.verified_by, wanted.reviewed),
        *_present(_S.near_group, wanted.near_duplicates),
        *_present(_S.withdrawn_at, wanted.withdrawn),
        *_sorted_by_something(wanted),
    ]
    if wanted.file_type == "video":
        found.append(literal_column("training_samples.file_type = 'video'"))  # as its index is written
    if wanted.status is not None:
        found.append(sample_labels.has_status(wanted.status))
    if wanted.label is not None:
        task = LabelSchema.of(dataset.label_schema).task
        found.append(names_class(task, wanted.label))
    if wanted.split is not None:
        found.append(imported_split == wanted.split)
    if wanted.metadata is not None:
        found.append(_metadata(wanted.metadata))
    if wanted.q is not None:
        found.append(_file_name(wanted.q))
    return found


def known_total(dataset: TrainingDataset, wanted: SampleFilter) -> int | None:
    """How many samples fit, where the dataset's own counts say so: nothing needs to be counted for it."""
    asked = set(wanted.model_dump(exclude_none=True, exclude={"sort"}))
    if wanted.sort.removeprefix("-") in MAY_BE_MISSING:
        return None
    if not asked:
        return dataset.sample_count
    return dataset.verified_count if asked == {"status"} and wanted.status is SampleStatus.VERIFIED else None


def names_class(task: Task, name: str) -> ColumnElement[bool]:
    """The rows whose label names the class `name`: as the class, as one of several, or in a box."""
    if task is Task.CLASSIFICATION:
        return only_class == name
    return class_names.contains([name])


def _between(column: Any, low: Any, high: Any) -> list[ColumnElement[bool]]:
    first = [col(column) >= low] if low is not None else []
    return [*first, col(column) <= high] if high is not None else first


def _present(column: Any, wanted: bool | None) -> list[ColumnElement[bool]]:
    if wanted is None:
        return []
    return [col(column).is_not(None) if wanted else col(column).is_(None)]


def _sorted_by_something(wanted: SampleFilter) -> list[ColumnElement[bool]]:
    name = wanted.sort.removeprefix("-")
    return [col(getattr(_S, name)).is_not(None)] if name in MAY_BE_MISSING else []


def _metadata(pair: str) -> ColumnElement[bool]:
    """`key=value`. In an address everything is text, so a value is also looked for as what else it may have been."""
    key, equals, text = pair.partition("=")
    if not key or not equals:
        raise Invalid(f"metadata is written as key=value, got {pair!r}.", field="query.metadata")
    values: list[Any] = [text]
    if text in ("true", "false"):
        values.append(text == "true")
    try:
        number = float(text)
        values.append(int(text) if number == int(number) and text.lstrip("-").isdecimal() else number)
    except (ValueError, OverflowError):
        pass
    return or_(*(col(_S.extra).contains({key: value}) for value in values if value == value))


def _file_name(text: str) -> ColumnElement[bool]:
    """Every word of `text` begins a word of the file's name. Words are letters and digits between anything else."""
    words = _WORD.findall(text.lower())
    if not words:
        raise Invalid("Look for letters or digits of a file's name.", field="query.q")
    wanted = func.to_tsquery(literal_column("'simple'::regconfig"), " & ".join(f"'{word}':*" for word in words[:10]))
    return name_words.bool_op("@@")(wanted)
