"""Is the process alive, and can it do its work?"""

from fastapi import Response

from app.api.guard import guarded_router
from app.api.marks import PUBLIC, allow
from app.infra import db, object_store, queue

router = guarded_router(tags=["health"])


@router.get("/healthz", summary="The process answers")
@allow(PUBLIC)
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Database, queue and store answer", responses={503: {"description": "A part is away"}})
@allow(PUBLIC)
def readyz(response: Response) -> dict[str, str]:
    checks = {"database": db.answers, "queue": queue.answers, "store": object_store.answers}
    parts = {name: "ok" if check() else "does not answer" for name, check in checks.items()}
    if any(value != "ok" for value in parts.values()):
        response.status_code = 503
    return parts
