"""Rows that tests begin from, made directly so that a test speaks only of what it tests."""

import hashlib
import secrets
from typing import Any
from uuid import UUID, uuid4

from app.domain.hyperparameters import Hyperparameters
from app.domain.machines import DatasetStatus, JobStatus, ModelVersionStatus
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import (
    AiModelVersion,
    EdgeServer,
    TrainingDataset,
    TrainingJob,
    TrainingSample,
)
from app.tables.base import utcnow
from tests.support.people import Person

SCHEMA = {
    "task": "classification",
    "classes": [{"name": "zero", "color": "#112233"}, {"name": "one", "color": "#445566"}],
}


def make_dataset(owner: Person, *, organization_id: int | None = None, **columns: Any) -> TrainingDataset:
    """An active dataset with the classes `zero` and `one`."""
    values: dict[str, Any] = {
        "name": f"digits {uuid4().hex[:8]}",
        "ai_module": "meter_digits",
        "status": DatasetStatus.ACTIVE,
    }
    values |= {"label_schema": SCHEMA, **columns}
    row = TrainingDataset(**values, organization_id=organization_id, created_by=owner.id)
    with transaction() as session:
        session.add(row)
    return row


def make_samples(dataset: TrainingDataset, count: int, labeler: Person, verifier: Person | None = None) -> list[UUID]:
    """`count` labelled (and verified) samples without files; the dataset's counts agree with them."""
    rows = [
        TrainingSample(
            dataset_id=dataset.id,
            file_url=f"s3://nowhere/{number}.png",
            file_size=100,
            sha256=hashlib.sha256(f"{dataset.id}{number}".encode()).hexdigest(),
            labels={"class": ("zero", "one")[number % 2]},
            is_labeled=True,
            labeled_by=labeler.id,
            is_verified=verifier is not None,
            verified_by=verifier.id if verifier else None,
        )
        for number in range(count)
    ]
    with transaction() as session:
        session.add_all(rows)
        dataset = session.get_one(TrainingDataset, dataset.id)
        dataset.sample_count += count
        dataset.labeled_count += count
        dataset.verified_count += count if verifier else 0
        dataset.size_bytes += 100 * count
    return [row.id for row in rows]


def make_unlabelled(dataset: TrainingDataset, count: int) -> list[UUID]:
    """`count` samples of 100 × 80 pixels without files and without labels."""
    rows = [
        TrainingSample(
            dataset_id=dataset.id,
            file_url=f"s3://nowhere/{number}.png",
            file_size=100,
            sha256=hashlib.sha256(f"{dataset.id} unlabelled {number}".encode()).hexdigest(),
            width=100,
            height=80,
        )
        for number in range(count)
    ]
    with transaction() as session:
        session.add_all(rows)
        dataset = session.get_one(TrainingDataset, dataset.id)
        dataset.sample_count += count
        dataset.size_bytes += 100 * count
    return [row.id for row in rows]


def make_job(owner: Person, dataset: TrainingDataset, status: JobStatus, **columns: Any) -> TrainingJob:
    """A job as it stands in `status`, in its first attempt."""
    values = {"attempt": 1, "error_message": "It broke." if status is JobStatus.FAILED else None, "name": "train"}
    hyperparameters = Hyperparameters()
    row = TrainingJob(
        **{**values, **columns},
        organization_id=dataset.organization_id,
        ai_module=dataset.ai_module,
        dataset_id=dataset.id,
        hyperparameters=hyperparameters.to_dict(),
        training_config={"task": "classification", "seed": 0},
        total_epochs=hyperparameters.epochs,
        status=status,
        created_by=owner.id,
    )
    with transaction() as session:
        session.add(row)
    return row


def make_version(version: str = "1.0.0", *, organization_id: int | None = None, **columns: Any) -> AiModelVersion:
    """A draft version of `meter_digits` whose bundle is really in the store."""
    store, data = get_object_store(), f"bundle {version} {secrets.token_hex(8)}".encode()
    key = f"models/{uuid4()}/bundle.tar"
    store.put_bytes(key, data)
    values = {
        "ai_module": "meter_digits",
        "name": f"meter_digits {version}",
        "status": ModelVersionStatus.DRAFT,
        "supported_platforms": ["linux/x86_64"],
    }
    row = AiModelVersion(
        **{**values, **columns},
        organization_id=organization_id,
        version=version,
        model_file_url=store.url(key),
        model_file_size=len(data),
        bundle_sha256=hashlib.sha256(data).hexdigest(),
    )
    with transaction() as session:
        session.add(row)
    return row


def make_edge(owner: Person, name: str = "", *, organization_id: int | None = None, **columns: Any) -> EdgeServer:
    """An enrolled edge server; nobody holds its private key."""
    values = {"public_key": secrets.token_urlsafe(32), "enrolled_at": utcnow()}
    row = EdgeServer(
        **{**values, **columns},
        name=name or f"edge {uuid4().hex[:8]}",
        organization_id=organization_id,
        created_by=owner.id,
    )
    with transaction() as session:
        session.add(row)
    return row
