"""Every pair of statuses of all six machines, against a table that was written without looking at the code's."""

from enum import StrEnum
from itertools import product

import pytest

from app.domain import machines
from app.domain.machines import (
    DatasetStatus,
    DeliveryStatus,
    DeploymentStatus,
    JobStatus,
    ModelVersionStatus,
    SampleStatus,
    TransferStatus,
    advance,
    can_advance,
    sample_status,
)
from app.errors import IllegalTransition

# One line per status: what may follow it. "." is an end.
ALLOWED = {
    DatasetStatus: """
        draft       active archived
        active      archived draft
        archived    active
    """,
    SampleStatus: """
        unlabeled   labeled
        labeled     verified rejected unlabeled
        verified    labeled rejected unlabeled
        rejected    labeled unlabeled
    """,
    JobStatus: """
        pending     queued cancelled failed
        queued      running cancelled failed
        running     completed failed cancelled queued
        completed   .
        failed      .
        cancelled   .
    """,
    ModelVersionStatus: """
        draft       testing deprecated
        testing     approved draft deprecated
        approved    released deprecated
        released    deprecated
        deprecated  .
    """,
    DeploymentStatus: """
        pending     downloading failed
        downloading installing failed
        installing  completed failed downloading
        completed   .
        failed      pending
    """,
    DeliveryStatus: """
        pending     delivered failed
        delivered   .
        failed      .
    """,
    TransferStatus: """
        queued      running cancelled
        running     completed failed cancelled queued
        completed   .
        failed      .
        cancelled   .
    """,
}


def allowed(kind: type[StrEnum]) -> set[tuple[str, str]]:
    """The pairs of `ALLOWED`."""
    lines = [line.split() for line in ALLOWED[kind].strip().splitlines()]
    return {(current, target) for current, *targets in lines for target in targets if target != "."}


PAIRS = [
    pytest.param(
        current, target, (current.value, target.value) in allowed(kind), id=f"{kind.__name__}-{current}-{target}"
    )
    for kind in ALLOWED
    for current, target in product(kind, kind)
]


def test_the_table_speaks_of_every_status_and_no_other() -> None:
    for kind, text in ALLOWED.items():
        assert [line.split()[0] for line in text.strip().splitlines()] == [status.value for status in kind]
    assert set(machines.MACHINES) == set(ALLOWED)


@pytest.mark.parametrize(("current", "target", "possible"), PAIRS)
def test_pair(current: StrEnum, target: StrEnum, possible: bool) -> None:
    assert can_advance(current, target) is possible
    if possible:
        assert advance(current, target, "It") is target
    else:
        with pytest.raises(IllegalTransition):
            advance(current, target, "It")


def test_refusal_names_the_thing_both_statuses_and_what_is_possible() -> None:
    with pytest.raises(IllegalTransition) as refusal:
        advance(JobStatus.PENDING, JobStatus.COMPLETED, "Training job 'first'")
    message = refusal.value.message
    assert message == (
        "Training job 'first' is pending and cannot become completed. Possible from here: cancelled, failed, queued."
    )
    assert refusal.value.fields == {"current_status": "pending", "requested_status": "completed"}
    assert (refusal.value.status, refusal.value.problem_code) == (409, "illegal-transition")


def test_refusal_at_an_end_says_that_it_is_one() -> None:
    with pytest.raises(IllegalTransition, match="nothing: this is an end"):
        advance(JobStatus.CANCELLED, JobStatus.RUNNING, "It")


@pytest.mark.parametrize(
    ("labeled", "verified", "reason", "status"),
    [
        (False, False, None, SampleStatus.UNLABELED),
        (True, False, None, SampleStatus.LABELED),
        (True, True, None, SampleStatus.VERIFIED),
        (True, False, "blurred", SampleStatus.REJECTED),
        (False, False, "blurred", SampleStatus.REJECTED),
        (True, False, "", SampleStatus.REJECTED),
    ],
)
def test_status_of_a_sample_is_spelled_by_three_columns(
    labeled: bool, verified: bool, reason: str | None, status: SampleStatus
) -> None:
    assert sample_status(labeled, verified, reason) is status


def test_job_and_deployment_sets_agree_with_their_machines() -> None:
    ends = {status for status in JobStatus if not machines.JOB[status]}
    assert ends == machines.JOB_FINISHED
    assert {
        DeploymentStatus.PENDING,
        DeploymentStatus.DOWNLOADING,
        DeploymentStatus.INSTALLING,
    } == machines.DEPLOYMENT_UNFINISHED
