"""What a training job trains on: one version of its dataset, chosen by a person or frozen when the job begins.

A version that holds a withdrawn sample trains nothing from then on, whoever chose it and whenever.
"""

from dataclasses import dataclass

from sqlmodel import Session

from app.domain.dataset_versions import Scope
from app.domain.permissions import Actor, Permission, require
from app.schemas.dataset_versions import SplitWanted, VersionCommit
from app.services import audit, dataset_chunks, job_runs, version_commits
from app.services.access import fetch
from app.services.trainable import refuse_withdrawn
from app.tables import DatasetVersion, TrainingDataset


@dataclass(frozen=True)
class FrozenSample:
    """One picture of a version, and what it is used for; older lists do not say that."""

    sample_id: str
    file_url: str
    sha256: str
    label: str
    split: str = ""


def freeze(session: Session, actor: Actor, ticket: job_runs.RunTicket) -> DatasetVersion:
    """The version that the job trains on: the one it has, or the verified samples as they are now.

    If the newest version holds just these it is that one. Raises `Conflict` where it may not be trained on.
    """
    require(actor, Permission.JOBS_WRITE)
    row = job_runs.locked(session, ticket.job_id, ticket.attempt)
    if row.dataset_version_id is not None:
        version = session.get_one(DatasetVersion, row.dataset_version_id)
        refuse_withdrawn(session, version)
        return version
    dataset = fetch(session, TrainingDataset, ticket.dataset_id, actor, "dataset", lock=True)
    first = version_commits.newest_of(session, dataset.id, Scope.VERIFIED) is None
    shares = {name: ticket.hyperparameters[f"{name}_fraction"] for name in ("validation", "test")}
    wanted = VersionCommit(
        message=f"Frozen for training job {row.name}",
        split=SplitWanted(**shares, seed=ticket.seed) if first else None,
    )
    version = version_commits.make(session, actor, dataset, wanted, row.created_by).version
    row.dataset_version_id = version.id
    session.add(row)
    after = {"dataset_version_id": str(version.id), "version": version.version}
    audit.record(session, actor, "training_job.freeze", row, after=after)
    return version


def frozen_samples(session: Session, actor: Actor, version: DatasetVersion) -> list[FrozenSample]:
    """The labelled pictures of a version, in the order of their ids; videos, and what has no label, train nothing."""
    require(actor, Permission.DATASETS_READ)
    return [
        FrozenSample(record["id"], record["file_url"], record["sha256"], record["labels"]["class"], record["split"])
        for record in dataset_chunks.records(session, version)
        if record["file_type"] == "image" and "class" in record["labels"]
    ]
