"""Organizations: the tenants, and the plan of each."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from app.domain.permissions import Actor, Permission, require
from app.errors import Conflict
from app.schemas.base import Page
from app.schemas.people import OrganizationCreate, OrganizationFilter, OrganizationView
from app.services import audit
from app.services.access import visible_to
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


def create(session: Session, actor: Actor, request: OrganizationCreate) -> OrganizationView:
    """A new organization."""
    require(actor, Permission.ORGANIZATIONS_WRITE)
    row = Organization(**request.model_dump())
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"An organization {request.name!r} exists already.") from error
    audit.record(session, actor, "organization.create", row, after={"name": row.name, "plan": row.plan})
    return OrganizationView.model_validate(row)
