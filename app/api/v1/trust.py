"""Who is trusted to sign what."""

from fastapi import APIRouter, status

from app.api.deps import Run
from app.schemas.trust import RootPublish, RootView, TrustView
from app.services import trust

router = APIRouter(prefix="/training/trust", tags=["trust"])


@router.get("", summary="The root of trust, the online key and the approvers")
def show(run: Run) -> TrustView:
    return run(trust.show)


@router.post("/root", summary="Publish a new root, signed elsewhere", status_code=status.HTTP_201_CREATED)
def publish_root(run: Run, request: RootPublish) -> RootView:
    return run(trust.publish_root, request)
