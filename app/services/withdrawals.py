"""Samples that may no longer be used: withdrawing, reinstating, and everything that a sample has touched.

A withdrawn sample stays as a record but is in no later version, and versions that hold it train nothing any more.
What was made before is not undone by itself: `impact` lists it, so that people can decide about each.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, SQLModel, col, select

from app.domain.dataset_trees import EMPTY, bucket_of, lines_of
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict, NotFound
from app.schemas.samples import SampleView
from app.schemas.withdrawals import (
    Impact,
    ImpactedDeployment,
    ImpactedEdge,
    ImpactedJob,
    ImpactedModel,
    ImpactedVersion,
    SampleWithdraw,
    UsedVersion,
)
from app.services import audit, sample_labels
from app.services.access import fetch, fetch_sample, may_see, open_dataset, visible_to
from app.services.dataset_chunks import chunks, digests_at, tree_of
from app.tables import (
    AiModelVersion,
    DatasetChunk,
    DatasetVersion,
    DeletedSample,
    EdgeServer,
    ModelDeployment,
    TrainingDataset,
    TrainingJob,
    TrainingSample,
)
from app.tables.base import utcnow

Row = TypeVar("Row", bound=SQLModel)
SHOWN = 20


def withdraw(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID, request: SampleWithdraw) -> SampleView:
    """Take a sample out of everything that is made from now on. With a video go its frames."""
    require(actor, Permission.DATASETS_WRITE)
    assert isinstance(actor, PersonActor)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    if row.withdrawn_at is not None:
        raise Conflict(f"Sample {sample_id} is withdrawn already: {row.withdrawal_reason}")
    now = utcnow()
    taken = [each for each in _with_frames(session, row) if each.withdrawn_at is None]
    for each in taken:
        each.withdrawn_at, each.withdrawn_by, each.withdrawal_reason = now, actor.user_id, request.reason
        each.updated_at = now
        session.add(each)
    _record(session, actor, "sample.withdraw", dataset, row, {"reason": request.reason, "samples": len(taken)})
    return SampleView.model_validate(row)


def reinstate(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID) -> SampleView:
    """Let a withdrawn sample be used again, and with a video the frames that were withdrawn together with it."""
    require(actor, Permission.DATASETS_WRITE)
    dataset = open_dataset(session, actor, dataset_id, lock=True)
    row = fetch_sample(session, dataset, sample_id)
    if row.withdrawn_at is None:
        raise Conflict(f"Sample {sample_id} is not withdrawn.")
    taken = [each for each in _with_frames(session, row) if each.withdrawn_at == row.withdrawn_at]
    reason, now = row.withdrawal_reason, utcnow()
    for each in taken:
        each.withdrawn_at = each.withdrawn_by = each.withdrawal_reason = None
        each.updated_at = now
        session.add(each)
    _record(session, actor, "sample.reinstate", dataset, row, {"reason": reason, "samples": len(taken)})
    return SampleView.model_validate(row)


def _record(
    session: Session, actor: Actor, action: str, dataset: TrainingDataset, row: TrainingSample, after: dict[str, object]
) -> None:
    sample_labels.touch(session, dataset)
    audit.record(session, actor, action, row, after=after, organization_id=dataset.organization_id)


def _with_frames(session: Session, row: TrainingSample) -> list[TrainingSample]:
    if row.file_type != "video":
        return [row]
    frames = select(TrainingSample).where(TrainingSample.video_id == row.id, TrainingSample.id != row.id)
    return [row, *session.exec(frames)]


def withdrawn_in(session: Session, version: DatasetVersion) -> list[UUID]:
    """The withdrawn samples that a version holds, deleted ones included, in the order of their ids."""
    if version.tree_sha256 is None:
        return []
    withdrawn = _withdrawn(session, version.dataset_id)
    tree = tree_of(session, version)
    wanted = {bucket: list(ids) for bucket, ids in groupby(withdrawn, key=bucket_of)}
    return [
        sample_id
        for bucket, chunk in chunks(session, version.dataset_id, tree, wanted)
        for lines in [lines_of(chunk)]
        for sample_id in wanted[bucket]
        if sample_id in lines
    ]


def used(session: Session, actor: Actor, version_id: UUID) -> UsedVersion:
    """The version that a job or a model came from, with what was withdrawn of it since."""
    require(actor, Permission.DATASETS_READ)
    version = fetch(session, DatasetVersion, version_id, actor, "version")
    dataset = fetch(session, TrainingDataset, version.dataset_id, actor, "dataset")
    held = withdrawn_in(session, version)
    return UsedVersion(
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        version=version.version,
        withdrawn=held[:SHOWN],
        withdrawn_count=len(held),
    )


def _withdrawn(session: Session, dataset_id: UUID) -> list[UUID]:
    rows = select(TrainingSample.id).where(
        TrainingSample.dataset_id == dataset_id, col(TrainingSample.withdrawn_at).is_not(None)
    )
    gone = select(DeletedSample.sample_id).where(
        DeletedSample.dataset_id == dataset_id, col(DeletedSample.withdrawn_at).is_not(None)
    )
    return sorted({*session.exec(rows), *session.exec(gone)})


def impact(session: Session, actor: Actor, dataset_id: UUID, sample_id: UUID) -> Impact:
    """Every version that holds a sample, and every job, model version, deployment and edge server these touched.

    Models that were trained further from a touched model are touched too. A deleted sample can be asked for as well.
    """
    require(actor, Permission.DATASETS_READ)
    dataset = fetch(session, TrainingDataset, dataset_id, actor, "dataset")
    row = session.get(TrainingSample, sample_id)
    gone = session.get(DeletedSample, (dataset_id, sample_id)) if row is None else None
    if (row is None or row.dataset_id != dataset.id) and gone is None:
        raise NotFound(f"There is no sample {sample_id} in dataset {dataset.name!r}, and there was none.")
    known = row if row is not None else gone
    assert known is not None
    versions = _versions_with(session, dataset_id, sample_id)
    jobs = _all(session, TrainingJob, col(TrainingJob.dataset_version_id).in_([each.id for each in versions]))
    models = _models_of(session, jobs)
    deployments = _all(session, ModelDeployment, col(ModelDeployment.model_version_id).in_([m.id for m in models]))
    edges = _edges(session, actor, models, deployments)
    visible = {edge.id for edge in edges}
    older = select(DatasetVersion.version).where(
        DatasetVersion.dataset_id == dataset_id, col(DatasetVersion.tree_sha256).is_(None)
    )
    return Impact(
        sample_id=sample_id,
        is_deleted=row is None,
        withdrawn_at=known.withdrawn_at,
        withdrawal_reason=known.withdrawal_reason,
        versions=[ImpactedVersion.model_validate(each) for each in versions],
        jobs=[ImpactedJob.model_validate(each) for each in jobs if may_see(actor, each.organization_id)],
        models=[ImpactedModel.model_validate(each) for each in models if may_see(actor, each.organization_id)],
        deployments=[ImpactedDeployment.model_validate(e) for e in deployments if e.edge_server_id in visible],
        edge_servers=edges,
        unsearchable_versions=list(session.exec(older)),
    )


def _versions_with(session: Session, dataset_id: UUID, sample_id: UUID) -> list[DatasetVersion]:
    """Only one bucket of each version is looked at, and equal chunks once."""
    digests = digests_at(session, dataset_id, bucket_of(sample_id))
    query = select(DatasetChunk.sha256, DatasetChunk.body).where(
        DatasetChunk.dataset_id == dataset_id,
        col(DatasetChunk.sha256).in_({digest.hex() for digest in digests.values() if digest != EMPTY}),
    )
    holding = {sha256 for sha256, body in session.exec(query) if sample_id in lines_of(body)}
    found = [version_id for version_id, digest in digests.items() if digest.hex() in holding]
    return _all(session, DatasetVersion, col(DatasetVersion.id).in_(found))


def _models_of(session: Session, jobs: Sequence[TrainingJob]) -> list[AiModelVersion]:
    """What the jobs made, and what was trained further from that."""
    found: dict[UUID, AiModelVersion] = {}
    new = _all(session, AiModelVersion, col(AiModelVersion.training_job_id).in_([job.id for job in jobs]))
    while new:
        found |= {model.id: model for model in new}
        further = _all(session, AiModelVersion, col(AiModelVersion.base_version_id).in_([model.id for model in new]))
        new = [model for model in further if model.id not in found]
    return sorted(found.values(), key=lambda model: (model.created_at, model.id))


def _edges(
    session: Session, actor: Actor, models: Sequence[AiModelVersion], deployments: Sequence[ModelDeployment]
) -> list[ImpactedEdge]:
    """Servers that a touched model was sent to, or that report to have one loaded."""
    loaded = [col(EdgeServer.loaded).contains([{"model_version_id": str(model.id)}]) for model in models]
    sent = col(EdgeServer.id).in_({each.edge_server_id for each in deployments})
    touched = {str(model.id) for model in models}
    return [
        ImpactedEdge(
            id=edge.id or 0,
            name=edge.name,
            runs_now=any(item.get("model_version_id") in touched for item in edge.loaded),
        )
        for edge in _all(session, EdgeServer, or_(sent, *loaded) & visible_to(actor, EdgeServer.organization_id))
    ]


def _all(session: Session, table: type[Row], condition: ColumnElement[bool]) -> list[Row]:
    columns: Any = table
    return list(session.exec(select(table).where(condition).order_by(columns.created_at, columns.id)))
