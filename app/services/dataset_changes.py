"""Telling open pages that a dataset changed: one message per transaction and dataset, after the commit.

The message says nothing but that: whoever shows the dataset reads again what it may see.
"""

from uuid import UUID

from sqlmodel import Session

from app.infra.db import after_commit
from app.infra.live import publish
from app.tables import TrainingDataset

_TOLD = "datasets_told"


def topic(dataset_id: UUID) -> str:
    """The live channel's name for what happens in one dataset."""
    return f"dataset:{dataset_id}"


def changed(session: Session, dataset: TrainingDataset) -> None:
    """Something that pages show of `dataset` is different once this transaction is durable."""
    told: set[UUID] = session.info.setdefault(_TOLD, set())
    if dataset.id in told:
        return
    told.add(dataset.id)
    dataset_id, owner = dataset.id, dataset.organization_id
    after_commit(session, lambda: publish(topic(dataset_id), {"changed": True}, owner=owner))
