"""What edge nodes call (docs/edge-protocol.md)."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from app.api.deps import Run, Store
from app.api.guard import guarded_router
from app.api.marks import EDGE, PUBLIC, allow
from app.infra.db import transaction
from app.schemas.edge_servers import (
    DeploymentProgress,
    DeploymentStatusView,
    Download,
    Enrolled,
    EnrolRequest,
    Heartbeat,
    HeartbeatAnswer,
)
from app.services import edge_nodes, trust

router = guarded_router(prefix="/edge", tags=["edge nodes"])


@router.post("/enrol", summary="Exchange a one-time token for an identity")
@allow(PUBLIC)
def enrol(request: EnrolRequest) -> Enrolled:
    with transaction() as session:
        return edge_nodes.enrol(session, request)


@router.post("/heartbeat", summary="Say how the node is; learn what is ordered")
@allow(EDGE)
def heartbeat(run: Run, request: Heartbeat) -> HeartbeatAnswer:
    return run(edge_nodes.heartbeat, request)


@router.get("/tuf/metadata/{filename}", summary="Signed metadata", response_class=Response)
@allow(EDGE)
def metadata(run: Run, filename: Annotated[str, Path(max_length=100)]) -> Response:
    return Response(run(trust.metadata_file, filename), media_type="application/json")


@router.post("/deployments/{deployment_id}/download", summary="A URL of the bundle that expires")
@allow(EDGE)
def download(run: Run, store: Store, deployment_id: UUID) -> Download:
    return run(edge_nodes.download, deployment_id, store)


@router.post("/deployments/{deployment_id}/progress", summary="Report how far a deployment is")
@allow(EDGE)
def progress(run: Run, deployment_id: UUID, request: DeploymentProgress) -> DeploymentStatusView:
    return run(edge_nodes.progress, deployment_id, request)
