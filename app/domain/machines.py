"""The six life cycles, as enums and transition tables.

A status changes only by `advance`, on a row its caller has locked. The tables are the specification: what is not in
them cannot happen. Statuses and their names are the customer's; the arrows are ours where the specification is silent.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from app.errors import IllegalTransition


class DatasetStatus(StrEnum):
    """A dataset collects in draft, feeds training when active, and rests when archived."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class SampleStatus(StrEnum):
    """Derived from the specified columns (`is_labeled`, `is_verified`, `rejection_reason`), never stored on its own."""

    UNLABELED = "unlabeled"
    LABELED = "labeled"
    VERIFIED = "verified"
    REJECTED = "rejected"


class JobStatus(StrEnum):
    """pending: created; queued: handed to the queue; running: a worker has it."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ModelVersionStatus(StrEnum):
    """draft → testing → approved (by a person's signature) → released → deprecated."""

    DRAFT = "draft"
    TESTING = "testing"
    APPROVED = "approved"
    RELEASED = "released"
    DEPRECATED = "deprecated"


class DeploymentStatus(StrEnum):
    """One model version on its way to one edge server."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    INSTALLING = "installing"
    COMPLETED = "completed"
    FAILED = "failed"


class DeliveryStatus(StrEnum):
    """One message on its way to one webhook. Sending it again is another delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class TransferStatus(StrEnum):
    """One import of a dataset from an archive, or one export to it."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


Status = TypeVar("Status", bound=StrEnum)
Machine = Mapping[Status, frozenset[Status]]

_D, _S, _J, _M, _P = DatasetStatus, SampleStatus, JobStatus, ModelVersionStatus, DeploymentStatus

DATASET: Machine[DatasetStatus] = {
    _D.DRAFT: frozenset({_D.ACTIVE, _D.ARCHIVED}),
    _D.ACTIVE: frozenset({_D.ARCHIVED, _D.DRAFT}),
    _D.ARCHIVED: frozenset({_D.ACTIVE}),
}

SAMPLE: Machine[SampleStatus] = {
    _S.UNLABELED: frozenset({_S.LABELED}),
    _S.LABELED: frozenset({_S.VERIFIED, _S.REJECTED, _S.UNLABELED}),
    # A changed label is no longer the one that was verified.
    _S.VERIFIED: frozenset({_S.LABELED, _S.REJECTED, _S.UNLABELED}),
    _S.REJECTED: frozenset({_S.LABELED, _S.UNLABELED}),
}

JOB: Machine[JobStatus] = {
    _J.PENDING: frozenset({_J.QUEUED, _J.CANCELLED, _J.FAILED}),
    _J.QUEUED: frozenset({_J.RUNNING, _J.CANCELLED, _J.FAILED}),
    # back to queued: its worker died, and the reconciler hands it out again.
    _J.RUNNING: frozenset({_J.COMPLETED, _J.FAILED, _J.CANCELLED, _J.QUEUED}),
    _J.COMPLETED: frozenset(),
    _J.FAILED: frozenset(),
    _J.CANCELLED: frozenset(),
}

MODEL_VERSION: Machine[ModelVersionStatus] = {
    _M.DRAFT: frozenset({_M.TESTING, _M.DEPRECATED}),
    _M.TESTING: frozenset({_M.APPROVED, _M.DRAFT, _M.DEPRECATED}),
    _M.APPROVED: frozenset({_M.RELEASED, _M.DEPRECATED}),
    _M.RELEASED: frozenset({_M.DEPRECATED}),
    _M.DEPRECATED: frozenset(),
}

DEPLOYMENT: Machine[DeploymentStatus] = {
    _P.PENDING: frozenset({_P.DOWNLOADING, _P.FAILED}),
    _P.DOWNLOADING: frozenset({_P.INSTALLING, _P.FAILED}),
    # back to downloading: the node restarted in the middle and begins again.
    _P.INSTALLING: frozenset({_P.COMPLETED, _P.FAILED, _P.DOWNLOADING}),
    _P.COMPLETED: frozenset(),
    _P.FAILED: frozenset({_P.PENDING}),
}

DELIVERY: Machine[DeliveryStatus] = {
    DeliveryStatus.PENDING: frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.FAILED}),
    DeliveryStatus.DELIVERED: frozenset(),
    DeliveryStatus.FAILED: frozenset(),
}

TRANSFER: Machine[TransferStatus] = {
    TransferStatus.QUEUED: frozenset({TransferStatus.RUNNING, TransferStatus.CANCELLED}),
    # back to queued: its worker died, and the reconciler hands it out again.
    TransferStatus.RUNNING: frozenset(
        {TransferStatus.COMPLETED, TransferStatus.FAILED, TransferStatus.CANCELLED, TransferStatus.QUEUED}
    ),
    TransferStatus.COMPLETED: frozenset(),
    TransferStatus.FAILED: frozenset(),
    TransferStatus.CANCELLED: frozenset(),
}

MACHINES: Mapping[type[StrEnum], Machine] = {  # type: ignore[type-arg]
    DatasetStatus: DATASET,
    SampleStatus: SAMPLE,
    JobStatus: JOB,
    ModelVersionStatus: MODEL_VERSION,
    DeploymentStatus: DEPLOYMENT,
    DeliveryStatus: DELIVERY,
    TransferStatus: TRANSFER,
}

JOB_FINISHED = frozenset({_J.COMPLETED, _J.FAILED, _J.CANCELLED})
DEPLOYMENT_UNFINISHED = frozenset({_P.PENDING, _P.DOWNLOADING, _P.INSTALLING})


def can_advance(current: Status, target: Status) -> bool:
    """True if `target` may follow `current` directly. A status never follows itself."""
    return target in MACHINES[type(current)][current]


def advance(current: Status, target: Status, what: str) -> Status:
    """Return `target`, or raise `IllegalTransition` naming `what`, both statuses and what would be possible."""
    if can_advance(current, target):
        return target
    possible = ", ".join(sorted(MACHINES[type(current)][current])) or "nothing: this is an end"
    raise IllegalTransition(
        f"{what} is {current} and cannot become {target}. Possible from here: {possible}.",
        current_status=str(current),
        requested_status=str(target),
    )


def sample_status(is_labeled: bool, is_verified: bool, rejection_reason: str | None) -> SampleStatus:
    """The status that the three specified columns spell."""
    if rejection_reason is not None:
        return SampleStatus.REJECTED
    if is_verified:
        return SampleStatus.VERIFIED
    return SampleStatus.LABELED if is_labeled else SampleStatus.UNLABELED
