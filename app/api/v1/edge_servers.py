"""Edge servers as people manage them."""

from typing import Annotated

from fastapi import Path, Query, Response, status

from app.api.deps import PageQuery, Run
from app.api.etags import SHOWS_TAG, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.edge_servers import (
    EdgeServerCreate,
    EdgeServerCreated,
    EdgeServerFilter,
    EdgeServerView,
    EnrolmentToken,
)
from app.services import edge_servers

router = guarded_router(prefix="/training/edge-servers", tags=["edge servers"])
EdgeServerId = Annotated[int, Path(ge=1, le=2**31 - 1)]


class EdgeServerQuery(EdgeServerFilter, PageQuery):
    """Which ones, and which page of them."""


@router.get("", summary="List edge servers")
@allow(Permission.EDGE_SERVERS_READ)
def list_edge_servers(run: Run, query: Annotated[EdgeServerQuery, Query()]) -> Page[EdgeServerView]:
    return run(edge_servers.list_edge_servers, query.part(EdgeServerFilter), query.cursor, query.limit)


@router.post("", summary="Create an edge server and its one-time token", status_code=status.HTTP_201_CREATED)
@allow(Permission.EDGE_SERVERS_WRITE)
def create(run: Run, request: EdgeServerCreate) -> EdgeServerCreated:
    return run.create_secret(edge_servers.create, request)


@router.get("/{edge_server_id}", summary="Show an edge server", responses=SHOWS_TAG)
@allow(Permission.EDGE_SERVERS_READ)
def get(run: Run, response: Response, edge_server_id: EdgeServerId) -> EdgeServerView:
    return tagged(response, run(edge_servers.get, edge_server_id))


@router.post("/{edge_server_id}/enrolment-token", summary="A new one-time token", status_code=status.HTTP_201_CREATED)
@allow(Permission.EDGE_SERVERS_WRITE)
def renew_token(run: Run, edge_server_id: EdgeServerId) -> EnrolmentToken:
    return run.create_secret(edge_servers.renew_token, edge_server_id)


@router.post("/{edge_server_id}/revoke", summary="Stop accepting its key", responses=SHOWS_TAG)
@allow(Permission.EDGE_SERVERS_WRITE)
def revoke(run: Run, response: Response, edge_server_id: EdgeServerId) -> EdgeServerView:
    return tagged(response, run(edge_servers.revoke, edge_server_id))
