"""Organizations: the tenants, and the plan of each."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from app.domain.permissions import Actor, Permission, require
from app.errors import Conflict, NotFound
from app.schemas.base import Page
from app.schemas.people import OrganizationCreate, OrganizationFilter, OrganizationUpdate, OrganizationView
from app.services import audit, etags
from app.services.access import fetch, may_see, visible_to
from app.services.etags import IfMatch
from app.services.filtering import begins_with, equal
from app.services.paging import paged
from app.tables import Organization


def list_organizations(
    session: Session, actor: Actor, wanted: OrganizationFilter, cursor: str | None = None, limit: int = 50
) -> Page[OrganizationView]:
    """One page of the organizations that fit."""
    require(actor, Permission.ORGANIZATIONS_READ)
    query = select(Organization).where(
        visible_to(actor, Organization.id), *equal(Organization, wanted), *begins_with(wanted.q, Organization.name)
    )
    return paged(session, query, Organization, OrganizationView.model_validate, wanted, cursor, limit)


def get(session: Session, actor: Actor, organization_id: int) -> OrganizationView:
    """One organization."""
    require(actor, Permission.ORGANIZATIONS_READ)
    return OrganizationView.model_validate(_fetch(session, actor, organization_id))


def create(session: Session, actor: Actor, request: OrganizationCreate) -> OrganizationView:
    """A new organization."""
    require(actor, Permission.ORGANIZATIONS_WRITE)
    row = Organization(**request.model_dump())
    _save(session, row)
    audit.record(session, actor, "organization.create", row, after={"name": row.name, "plan": row.plan})
    return OrganizationView.model_validate(row)


def update(
    session: Session, actor: Actor, organization_id: int, request: OrganizationUpdate, if_match: IfMatch = None
) -> OrganizationView:
    """Another name or plan. What the new plan allows counts at once; what exists beyond it stays."""
    require(actor, Permission.ORGANIZATIONS_WRITE)
    row = _fetch(session, actor, organization_id, lock=True)
    etags.check(OrganizationView.model_validate(row), if_match)
    wanted = request.model_dump()
    before = {name: getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value}
    row.sqlmodel_update(wanted)
    _save(session, row)
    audit.record(
        session, actor, "organization.update", row, before=before, after={name: wanted[name] for name in before}
    )
    return OrganizationView.model_validate(row)


def _fetch(session: Session, actor: Actor, organization_id: int, *, lock: bool = False) -> Organization:
    if not may_see(actor, organization_id):
        raise NotFound(f"There is no organization {organization_id}.")
    return fetch(session, Organization, organization_id, actor, "organization", lock=lock)


def _save(session: Session, row: Organization) -> None:
    name = row.name
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"An organization {name!r} exists already.") from error
