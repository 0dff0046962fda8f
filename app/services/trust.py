"""The signed repository in the database: the root of trust, approvals, releases.

The rules are in `app.distribution`, over bytes; here they meet the rows. Everything that signs or accepts a signature
holds one advisory lock, so versions rise one by one.
"""

import hashlib
import json
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.distribution import approvals, publishing, repository
from app.distribution.keys import KeyPair, public_key_to_dict
from app.distribution.online_key import OnlineKey
from app.domain.machines import ModelVersionStatus
from app.domain.permissions import Actor, Permission, PersonActor, permissions_of, require
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.schemas.trust import ApproverView, RootPublish, RootView, TrustView
from app.services import audit
from app.settings import get_settings
from app.tables import AiModelVersion, ApproverKey, TufMetadata, User
from app.tables.base import utcnow

_LOCK = 7_467_902  # any number that nothing else here locks
ENTRY_FIELDS = ("ai_module", "version", "organization_id", "min_edge_version", "supported_platforms")


def online_key() -> KeyPair:
    """The server's snapshot and timestamp key, made on first use."""
    return OnlineKey.load_or_create(get_settings().online_key_path)


def lock(session: Session) -> None:
    """One signer at a time, until the transaction ends."""
    session.exec(select(func.pg_advisory_xact_lock(_LOCK)))


def current(session: Session, role: str) -> TufMetadata | None:
    """The newest metadata of `role`."""
    query = select(TufMetadata).where(TufMetadata.role == role).order_by(col(TufMetadata.version).desc()).limit(1)
    return session.exec(query).one_or_none()


def content(session: Session, role: str) -> bytes | None:
    """Its bytes."""
    row = current(session, role)
    return row.content if row else None


def root_or_explain(session: Session) -> bytes:
    """The root in force, or what to do to have one."""
    root = content(session, "root")
    if root is None:
        raise Conflict(
            "Nobody is trusted to approve yet. Create keys and a root with `./trainyard keys init-root`.",
            code="no-root-of-trust",
        )
    return root


def show(session: Session, actor: Actor) -> TrustView:
    """Everything public about who is trusted to sign what."""
    require(actor, Permission.TRUST_READ)
    key, sees_people = online_key(), Permission.USERS_READ in permissions_of(actor)
    root, targets = current(session, "root"), current(session, "targets")
    people = session.exec(
        select(ApproverKey, User)
        .join(User, col(User.id) == ApproverKey.user_id)
        .where(col(ApproverKey.removed_at).is_(None))
    )
    return TrustView(
        online_keyid=key.keyid,
        online_public_key=public_key_to_dict(key.public),
        root=_root_view(root) if root else None,
        approvers=[_approver(holder, user if sees_people else None) for holder, user in people],
        targets_version=targets.version if targets else 0,
    )


def publish_root(session: Session, actor: Actor, request: RootPublish) -> RootView:
    """Accept a new root, signed by its own keys and those of the root before it."""
    require(actor, Permission.TRUST_WRITE)
    lock(session)
    candidate = request.metadata.encode()
    root = repository.verify_new_root(candidate, content(session, "root"), online_key().public, now=utcnow())
    trusted = set(repository.approver_keyids(root))
    named = {approver.keyid: approver.email for approver in request.approvers}
    if set(named) != trusted:
        raise Invalid("Name the person behind every approver key of this root, and no other key.", field="approvers")
    for keyid, email in named.items():
        _bind_approver(
            session, actor, keyid, email, json.dumps(public_key_to_dict(repository.root_key_of(root, keyid)))
        )
    for row in session.exec(select(ApproverKey).where(col(ApproverKey.removed_at).is_(None))):
        if row.keyid not in trusted:
            row.removed_at = utcnow()
            audit.record(session, actor, "approver_key.remove", row, before={"user_id": row.user_id})
    previous = current(session, "root")
    stored = TufMetadata(role="root", version=root.version, content=candidate)
    session.add(stored)
    session.flush()
    before = {"version": previous.version if previous else None}
    after = {"version": root.version, "approvers": sorted(named.values())}
    audit.record(session, actor, "trust.root", stored, before=before, after=after)
    return _root_view(stored)


def propose(session: Session, row: AiModelVersion) -> tuple[bytes, bytes | None]:
    """The bytes an approver would sign to approve `row`, and the list in force that they would replace."""
    root_or_explain(session)
    present = content(session, "targets")
    expires = approvals.default_expiry(utcnow())
    payload = approvals.propose_targets(present, [entry(row)], expires, withdrawn=_withdrawn(session, present))
    return payload, present


def accept(
    session: Session, actor: PersonActor, row: AiModelVersion, payload: bytes, keyid: str, signature: str
) -> int:
    """Store the approver's signature over the list that holds `row`; returns the list's version.

    The key must be the actor's own: an approval is a person's, not a key's.
    """
    lock(session)
    root = root_or_explain(session)
    holder = session.get(ApproverKey, keyid)
    if holder is None or holder.removed_at is not None:
        raise Forbidden(
            "This key is not an approver's. Ask who holds the root key to add it: `./trainyard keys add-approver`."
        )
    if holder.user_id != actor.user_id:
        raise Forbidden("This key belongs to another person. Sign with your own.")
    present = content(session, "targets")
    signed = approvals.accept_approval(
        payload,
        keyid,
        signature,
        root=root,
        current_targets=present,
        expected_entries=[entry(row)],
        now=utcnow(),
        withdrawn=_withdrawn(session, present),
    )
    previous = current(session, "targets")
    version = (previous.version if previous else 0) + 1
    session.add(TufMetadata(role="targets", version=version, content=signed))
    session.flush()
    return version


def release(session: Session) -> None:
    """Sign the snapshot and timestamp that make the approved list current for every edge."""
    lock(session)
    targets = content(session, "targets")
    if targets is None:
        raise Conflict("Nothing was approved yet, so there is nothing to release.")
    now = utcnow()
    snapshot, timestamp = publishing.publish(
        root_or_explain(session),
        targets,
        content(session, "snapshot"),
        content(session, "timestamp"),
        online_key(),
        now,
    )
    _store(session, "snapshot", snapshot, now)
    _store(session, "timestamp", timestamp, now)


def refresh(session: Session, actor: Actor) -> bool:
    """Sign snapshot and timestamp again before they expire. True if something was signed."""
    require(actor, Permission.MODELS_RELEASE)
    lock(session)
    root, snapshot, timestamp = (content(session, role) for role in ("root", "snapshot", "timestamp"))
    if root is None or snapshot is None or timestamp is None:
        return False
    now = utcnow()
    fresh = publishing.refresh_timestamp(root, snapshot, timestamp, online_key(), now)
    signed = [_store(session, role, data, now) for role, data in zip(("snapshot", "timestamp"), fresh, strict=True)]
    if any(signed):
        newest = [current(session, role) for role in ("timestamp", "snapshot")]
        after = {row.role: row.version for row in newest if row}
        audit.record(session, actor, "trust.refresh", newest[0], after=after)
    return any(signed)


def metadata_file(session: Session, actor: Actor, filename: str) -> bytes:
    """The bytes of `timestamp.json` or `N.role.json`. Metadata that was not released is not served."""
    require(actor, Permission.EDGE_SELF)
    stem, _, suffix = filename.rpartition(".")
    number, _, role = stem.rpartition(".")
    missing = NotFound(f"There is no metadata file {filename[:80]!r}.")
    if suffix != "json":
        raise missing
    if filename == "timestamp.json":
        row = current(session, "timestamp")
    elif number.isdecimal() and len(number) < 10 and role in {"root", "targets", "snapshot"}:
        row = session.get(TufMetadata, (role, int(number)))
    else:
        raise missing
    if row is None or (role == "targets" and row.version > _released_targets(session)):
        raise missing
    return row.content


def entry(row: AiModelVersion) -> approvals.TargetEntry:
    """What the signed list says about `row`."""
    return approvals.TargetEntry(
        path=target_path(row),
        length=row.model_file_size,
        sha256=row.bundle_sha256,
        custom={"model_version_id": str(row.id), **{name: getattr(row, name) for name in ENTRY_FIELDS}},
    )


def target_path(row: AiModelVersion) -> str:
    """Where the signed list keeps `row`; an organization's models have a folder of their own."""
    folder = "" if row.organization_id is None else f"org-{row.organization_id}/"
    return f"{folder}{row.ai_module}/{row.version}/bundle.tar"


def _withdrawn(session: Session, present: bytes | None) -> set[str]:
    """Paths of deprecated versions that the present list still holds: the next approval leaves them out."""
    if present is None:
        return set()
    deprecated = session.exec(select(AiModelVersion).where(AiModelVersion.status == ModelVersionStatus.DEPRECATED))
    listed = json.loads(present)["signed"]["targets"]
    return {path for path in map(target_path, deprecated) if path in listed}


def _released_targets(session: Session) -> int:
    snapshot = content(session, "snapshot")
    return int(json.loads(snapshot)["signed"]["meta"]["targets.json"]["version"]) if snapshot else 0


def _store(session: Session, role: str, data: bytes, now: datetime) -> bool:
    version = int(json.loads(data)["signed"]["version"])
    if session.get(TufMetadata, (role, version)) is not None:
        return False
    session.add(TufMetadata(role=role, version=version, content=data, created_at=now))
    session.flush()
    return True


def _root_view(row: TufMetadata) -> RootView:
    return RootView(version=row.version, sha256=hashlib.sha256(row.content).hexdigest(), metadata=row.content.decode())


def _approver(key: ApproverKey, user: User | None) -> ApproverView:
    known = {"user_id": user.id, "email": user.email, "name": user.name} if user else {}
    return ApproverView(**{"keyid": key.keyid, "user_id": None, "email": None, "name": None, **known})


def _bind_approver(session: Session, actor: Actor, keyid: str, email: str, public_key: str) -> None:
    person = session.exec(select(User).where(User.email == email, col(User.is_active))).one_or_none()
    if person is None or person.id is None:
        raise Invalid(f"There is no active person with the address {email}.", field="approvers")
    row = session.get(ApproverKey, keyid)
    if row is not None and row.user_id != person.id:
        raise Conflict(f"The key {keyid[:12]}… belongs to another person already.")
    row = row or ApproverKey(keyid=keyid, user_id=person.id, public_key=public_key, removed_at=utcnow())
    if row.removed_at is not None:  # a new key, or one that comes back
        audit.record(session, actor, "approver_key.add", row, after={"email": email, "keyid": keyid})
    row.removed_at = None
    session.add(row)
    session.flush()
