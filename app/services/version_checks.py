"""Checking versions against their digests, from the root down to the last chunk and the files that they need."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.dataset_trees import EMPTY, records_of, root_of
from app.domain.dataset_versions import Counts, add_to, nested
from app.domain.permissions import Actor, Permission, require
from app.services.access import visible_to
from app.services.dataset_chunks import Damaged, chunks, tree_of
from app.tables import DatasetVersion, TrainingDataset


@dataclass(frozen=True)
class Checked:
    """A version and what is wrong with it; nothing if `fault` is empty."""

    dataset: str
    version: str
    samples: int
    fault: str = ""


def check_all(session: Session, actor: Actor, dataset_id: UUID | None = None) -> Iterator[Checked]:
    """Every version that the actor may see, or those of one dataset, in the order of their making."""
    require(actor, Permission.DATASETS_READ)
    query = (
        select(DatasetVersion, TrainingDataset.name)
        .join(TrainingDataset, col(TrainingDataset.id) == DatasetVersion.dataset_id)
        .where(visible_to(actor, TrainingDataset.organization_id), col(DatasetVersion.tree_sha256).is_not(None))
        .order_by(col(DatasetVersion.created_at), col(DatasetVersion.id))
    )
    if dataset_id is not None:
        query = query.where(DatasetVersion.dataset_id == dataset_id)
    for row, name in session.exec(query).all():
        try:
            yield Checked(name, row.version, row.sample_count, _fault(session, row))
        except Damaged as error:
            yield Checked(name, row.version, row.sample_count, error.message)


def _fault(session: Session, row: DatasetVersion) -> str:
    """What does not agree with the digest or the statistics, or nothing. Raises `Damaged` for a broken chunk."""
    tree = tree_of(session, row)
    about = {
        "scope": row.scope,
        "label_schema": row.label_schema,
        "single_person_review": row.single_person_review,
    }
    if root_of(tree, about) != row.sha256:
        return f"its digest is not {row.sha256}: the version's own record was altered"
    counts: Counts = Counts()
    filled = [bucket for bucket in tree.filled() if tree[bucket] != EMPTY]
    for _, chunk in chunks(session, row.dataset_id, tree, filled):
        for record in records_of(chunk):
            add_to(counts, record)
    if counts["samples",] != row.sample_count or nested(counts) != row.statistics:
        return "its statistics are not those of its samples"
    return ""
