"""Edge servers as people manage them. What nodes themselves say and ask is in `edge_nodes`."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.domain.edge_health import EdgeHealth, edge_health, heard_between
from app.domain.permissions import Actor, Permission, PersonActor, require
from app.errors import Conflict
from app.schemas.base import Page
from app.schemas.edge_servers import (
    EdgeServerCreate,
    EdgeServerCreated,
    EdgeServerFilter,
    EdgeServerView,
    EnrolmentToken,
)
from app.services import audit, trust
from app.services.access import fetch, visible_to
from app.services.datasets import organization_must_exist
from app.services.filtering import equal, within
from app.services.paging import paged
from app.settings import get_settings
from app.tables import EdgeServer
from app.tables.base import utcnow

ENROLMENT_LIFE = timedelta(hours=24)


def view(row: EdgeServer, now: datetime) -> EdgeServerView:
    """The row with its health at `now`."""
    health = edge_health(row.last_heartbeat_at, now, get_settings().heartbeat_interval_seconds)
    return EdgeServerView.model_validate({**row.model_dump(), "health": health})


def list_edge_servers(
    session: Session, actor: Actor, wanted: EdgeServerFilter, cursor: str | None = None, limit: int = 50
) -> Page[EdgeServerView]:
    """One page of the edge servers that fit."""
    require(actor, Permission.EDGE_SERVERS_READ)
    now = utcnow()
    query = select(EdgeServer).where(
        visible_to(actor, EdgeServer.organization_id), *equal(EdgeServer, wanted), *_how_it_is(wanted, now)
    )
    return paged(session, query, EdgeServer, lambda row: view(row, now), wanted, cursor, limit)


def get(session: Session, actor: Actor, edge_server_id: int) -> EdgeServerView:
    """One edge server."""
    require(actor, Permission.EDGE_SERVERS_READ)
    return view(fetch(session, EdgeServer, edge_server_id, actor, "edge server"), utcnow())


def create(session: Session, actor: Actor, request: EdgeServerCreate) -> EdgeServerCreated:
    """A new edge server with a token that enrols it once."""
    require(actor, Permission.EDGE_SERVERS_WRITE)
    assert isinstance(actor, PersonActor)
    organization_must_exist(session, request.organization_id)
    row = EdgeServer(**request.model_dump(), created_by=actor.user_id)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"An edge server {request.name!r} exists already. Choose another name.") from error
    token = _new_token(session, row)
    audit.record(session, actor, "edge_server.create", row, after=request.model_dump(mode="json", exclude_none=True))
    return EdgeServerCreated(edge_server=view(row, utcnow()), enrolment=token)


def renew_token(session: Session, actor: Actor, edge_server_id: int) -> EnrolmentToken:
    """A new one-time token: for a node that lost its key, or whose token expired. The old key stops working."""
    require(actor, Permission.EDGE_SERVERS_WRITE)
    row = fetch(session, EdgeServer, edge_server_id, actor, "edge server", lock=True)
    before = _identity(row)
    row.public_key = row.enrolled_at = row.revoked_at = None
    token = _new_token(session, row)
    after = _identity(row) | {"token_expires_at": token.expires_at.isoformat()}
    audit.record(session, actor, "edge_server.renew_token", row, before=before, after=after)
    return token


def revoke(session: Session, actor: Actor, edge_server_id: int) -> EdgeServerView:
    """Stop accepting the node's key. It goes on serving what it has, and gets nothing more."""
    require(actor, Permission.EDGE_SERVERS_WRITE)
    row = fetch(session, EdgeServer, edge_server_id, actor, "edge server", lock=True)
    before = _identity(row)
    row.revoked_at = row.revoked_at or utcnow()
    row.enrolment_token_hash = row.enrolment_expires_at = None
    session.add(row)
    session.flush()
    audit.record(session, actor, "edge_server.revoke", row, before=before, after=_identity(row))
    return view(row, utcnow())


def _how_it_is(wanted: EdgeServerFilter, now: datetime) -> list[ColumnElement[bool]]:
    """Health, enrolment and revocation, which are told by moments."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.health is EdgeHealth.NEVER:
        conditions.append(col(EdgeServer.last_heartbeat_at).is_(None))
    elif wanted.health is not None:
        seconds = get_settings().heartbeat_interval_seconds
        conditions += within(EdgeServer.last_heartbeat_at, *heard_between(wanted.health, now, seconds))
    for asked, moment in ((wanted.enrolled, EdgeServer.enrolled_at), (wanted.revoked, EdgeServer.revoked_at)):
        if asked is not None:
            conditions.append(col(moment).is_not(None) if asked else col(moment).is_(None))
    return conditions


def _identity(row: EdgeServer) -> dict[str, str | None]:
    """By which key the node is known and whether it still is, for the audit log."""
    moments = {"enrolled_at": row.enrolled_at, "revoked_at": row.revoked_at}
    known = {name: moment.isoformat() if moment else None for name, moment in moments.items()}
    return {"public_key": row.public_key, **known}


def _new_token(session: Session, row: EdgeServer) -> EnrolmentToken:
    root = hashlib.sha256(trust.root_or_explain(session)).hexdigest()
    token = f"tyedge_{row.id}_{secrets.token_hex(24)}_{root}"
    row.enrolment_token_hash = hashlib.sha256(token.encode()).hexdigest()
    row.enrolment_expires_at = utcnow() + ENROLMENT_LIFE
    session.add(row)
    session.flush()
    assert row.id is not None
    return EnrolmentToken(edge_server_id=row.id, token=token, expires_at=row.enrolment_expires_at)
