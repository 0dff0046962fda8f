"""An approval is a person's own signature over the list in force; nothing else makes a version deployable."""

import base64
import json
from datetime import timedelta

import pytest
from sqlmodel import select

from app.domain.permissions import SystemActor
from app.errors import Conflict, DomainError, Forbidden, IllegalTransition, Invalid
from app.infra.db import transaction
from app.schemas.edge_servers import EdgeServerCreate
from app.schemas.model_versions import ModelVersionApprove, ModelVersionUpdate
from app.services import edge_servers, model_versions, trust
from app.tables import AiModelVersion, AuditEvent, TufMetadata
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_version
from tests.support.trust import Trusted


def under_test(version: str) -> AiModelVersion:
    """A version that may be approved."""
    return make_version(version, status="testing")


def submit(person: Person, version: AiModelVersion, request: ModelVersionApprove) -> None:
    with transaction() as session:
        model_versions.approve(session, person.actor, version.id, request)


def status(version: AiModelVersion) -> tuple[str, bool, bool]:
    with transaction() as session:
        row = session.get_one(AiModelVersion, version.id)
        return row.status, row.is_approved, row.is_released


def test_approval_records_the_person_the_list_and_the_event(trusted: Trusted, super_admin: Person) -> None:
    version = under_test("1.0.0")
    view = trusted.approve(super_admin, version.id)
    assert (view.is_approved, view.approved_by, view.is_released) == (True, super_admin.id, False)
    with transaction() as session:
        event = session.exec(select(AuditEvent).where(AuditEvent.action == "model_version.approve")).one()
        stored = session.get_one(TufMetadata, ("targets", 1))
    assert event.after["keyid"] == trusted.keys[super_admin.id].keyid
    target = json.loads(stored.content)["signed"]["targets"]["meter_digits/1.0.0/bundle.tar"]
    assert target["hashes"] == {"sha256": version.bundle_sha256}
    assert target["custom"]["model_version_id"] == str(version.id)


def test_proposal_says_in_words_what_would_be_signed(trusted: Trusted, super_admin: Person) -> None:
    version = under_test("1.0.0")
    summary = trusted.propose(super_admin, version.id).summary
    assert "meter_digits 1.0.0" in summary
    assert version.bundle_sha256 in summary


def test_signature_over_an_older_list_is_refused(trusted: Trusted, super_admin: Person, second_admin: Person) -> None:
    first, second = under_test("1.0.0"), under_test("1.1.0")
    stale = trusted.sign(trusted.propose(second_admin, second.id), trusted.keys[second_admin.id])
    trusted.approve(super_admin, first.id)
    with pytest.raises(Conflict, match="Another approval was recorded meanwhile") as refusal:
        submit(second_admin, second, stale)
    assert (refusal.value.problem_code, refusal.value.status) == ("approval-superseded", 409)
    assert status(second) == ("testing", False, False)
    trusted.approve(second_admin, second.id)
    assert status(second) == ("approved", True, False)


def test_key_of_another_person_is_refused(trusted: Trusted, super_admin: Person, second_admin: Person) -> None:
    version = under_test("1.0.0")
    request = trusted.sign(trusted.propose(super_admin, version.id), trusted.keys[super_admin.id])
    with pytest.raises(Forbidden, match="belongs to another person"):
        submit(second_admin, version, request)
    assert status(version) == ("testing", False, False)


def test_key_of_nobody_is_refused(trusted: Trusted, super_admin: Person) -> None:
    version = under_test("1.0.0")
    with pytest.raises(Forbidden, match="not an approver's"):
        submit(super_admin, version, trusted.sign(trusted.propose(super_admin, version.id), trusted.holder))
    with pytest.raises(Forbidden, match="not an approver's"):
        submit(super_admin, version, trusted.sign(trusted.propose(super_admin, version.id), trust.online_key()))


def test_signature_of_another_payload_or_key_is_refused(trusted: Trusted, super_admin: Person) -> None:
    version, other = under_test("1.0.0"), under_test("1.1.0")
    key = trusted.keys[super_admin.id]
    right = trusted.sign(trusted.propose(super_admin, version.id), key)
    payload = base64.b64decode(right.payload_base64)
    changed = payload.replace(version.bundle_sha256.encode(), b"0" * 64)
    assert changed != payload
    forged = ModelVersionApprove(
        payload_base64=base64.b64encode(changed).decode(), keyid=key.keyid, signature=key.sign(changed)
    )
    unsigned = ModelVersionApprove(**{**right.model_dump(), "signature": "0" * 128})
    for request in (forged, unsigned, trusted.sign(trusted.propose(super_admin, other.id), key)):
        with pytest.raises(Invalid):
            submit(super_admin, version, request)
    for rubbish in ("e30=", "====", "bm90IGpzb24=", ""):
        with pytest.raises(Invalid):
            submit(super_admin, version, ModelVersionApprove(**{**right.model_dump(), "payload_base64": rubbish}))
    assert status(version) == ("testing", False, False)
    with transaction() as session:
        assert trust.current(session, "targets") is None


def test_only_a_version_under_test_is_approved(trusted: Trusted, super_admin: Person) -> None:
    draft = make_version()
    with pytest.raises(IllegalTransition):
        trusted.propose(super_admin, draft.id)
    approved = under_test("1.1.0")
    request = trusted.sign(trusted.propose(super_admin, approved.id), trusted.keys[super_admin.id])
    submit(super_admin, approved, request)
    with pytest.raises(IllegalTransition):
        submit(super_admin, approved, request)
    with pytest.raises(IllegalTransition), transaction() as session:
        model_versions.update(session, super_admin.actor, approved.id, ModelVersionUpdate(status="testing"))


def test_no_trusted_code_can_approve(trusted: Trusted, super_admin: Person) -> None:
    version = under_test("1.0.0")
    request = trusted.sign(trusted.propose(super_admin, version.id), trusted.keys[super_admin.id])
    with pytest.raises(Forbidden), transaction() as session:
        model_versions.approve(session, SystemActor("worker"), version.id, request)


def test_without_a_root_nothing_can_be_approved_and_no_edge_made(super_admin: Person) -> None:
    version = under_test("1.0.0")
    with pytest.raises(Conflict, match="keys init-root"), transaction() as session:
        model_versions.proposal(session, super_admin.actor, version.id)
    with pytest.raises(Conflict, match="keys init-root"), transaction() as session:
        edge_servers.create(session, super_admin.actor, EdgeServerCreate(name="e"))


def test_only_an_approved_version_is_released(trusted: Trusted, super_admin: Person) -> None:
    for version in (make_version("1.0.0"), under_test("1.1.0")):
        with pytest.raises(IllegalTransition), transaction() as session:
            model_versions.release(session, super_admin.actor, version.id)
    version = under_test("1.2.0")
    assert trusted.release(super_admin, version.id).status == "released"
    assert status(version) == ("released", True, True)
    with transaction() as session:
        rows = [trust.current(session, role) for role in ("root", "targets", "snapshot", "timestamp")]
    assert [row.version for row in rows if row] == [1, 1, 1, 1]


def test_deprecated_version_leaves_the_list_with_the_next_approval(trusted: Trusted, super_admin: Person) -> None:
    old, new = under_test("1.0.0"), under_test("1.1.0")
    trusted.release(super_admin, old.id)
    with transaction() as session:
        model_versions.deprecate(session, super_admin.actor, old.id)
    trusted.release(super_admin, new.id)
    with transaction() as session:
        targets = json.loads(trust.content(session, "targets") or b"")["signed"]["targets"]
    assert list(targets) == ["meter_digits/1.1.0/bundle.tar"]


def test_signatures_of_the_server_are_renewed_before_they_expire(
    trusted: Trusted, super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = SystemActor("reconciler")
    with transaction() as session:
        assert trust.refresh(session, worker) is False
    trusted.release(super_admin, under_test("1.0.0").id)
    with transaction() as session:
        assert trust.refresh(session, worker) is False
    later = utcnow() + timedelta(days=5)
    monkeypatch.setattr(trust, "utcnow", lambda: later)
    with transaction() as session:
        assert trust.refresh(session, worker) is True
        assert trust.current(session, "timestamp").version == 2  # type: ignore[union-attr]
        assert trust.current(session, "snapshot").version == 1  # type: ignore[union-attr]


def test_root_is_published_once_and_names_every_person(trusted: Trusted, super_admin: Person) -> None:
    with pytest.raises(DomainError) as refusal:
        Trusted(holder=trusted.holder).publish(super_admin)
    assert refusal.value.status in (409, 422)
    with transaction() as session:
        shown = trust.show(session, super_admin.actor)
    assert {approver.user_id for approver in shown.approvers} == set(trusted.keys)
    assert shown.root is not None
    assert shown.root.version == 1
