"""Edge servers as people manage them."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from app.api.deps import PageIn, Run
from app.schemas.base import Page
from app.schemas.edge_servers import EdgeServerCreate, EdgeServerCreated, EdgeServerView, EnrolmentToken
from app.services import edge_servers

router = APIRouter(prefix="/training/edge-servers", tags=["edge servers"])
EdgeServerId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", summary="List edge servers")
def list_edge_servers(run: Run, page: PageIn) -> Page[EdgeServerView]:
    return run(edge_servers.list_edge_servers, page.cursor, page.limit)


@router.post("", summary="Create an edge server and its one-time token", status_code=status.HTTP_201_CREATED)
def create(run: Run, request: EdgeServerCreate) -> EdgeServerCreated:
    return run(edge_servers.create, request)


@router.get("/{edge_server_id}", summary="Show an edge server")
def get(run: Run, edge_server_id: EdgeServerId) -> EdgeServerView:
    return run(edge_servers.get, edge_server_id)


@router.post("/{edge_server_id}/enrolment-token", summary="A new one-time token", status_code=status.HTTP_201_CREATED)
def renew_token(run: Run, edge_server_id: EdgeServerId) -> EnrolmentToken:
    return run(edge_servers.renew_token, edge_server_id)


@router.post("/{edge_server_id}/revoke", summary="Stop accepting its key")
def revoke(run: Run, edge_server_id: EdgeServerId) -> EdgeServerView:
    return run(edge_servers.revoke, edge_server_id)
