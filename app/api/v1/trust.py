"""Who is trusted to sign what."""

from fastapi import status

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.trust import RootPublish, RootView, TrustView
from app.services import trust

router = guarded_router(prefix="/training/trust", tags=["trust"])


@router.get("", summary="The root of trust, the online key and the approvers")
@allow(Permission.TRUST_READ)
def show(run: Run) -> TrustView:
    return run(trust.show)


@router.post("/root", summary="Publish a new root, signed elsewhere", status_code=status.HTTP_201_CREATED)
@allow(Permission.TRUST_WRITE)
def publish_root(run: Run, request: RootPublish) -> RootView:
    return run.create(trust.publish_root, request)
