"""Is the process alive, and can it do its work?"""

from fastapi import Response

from app.api.guard import guarded_router
from app.api.marks import PUBLIC, allow
from app.infra import db, object_store, queue

router = guarded_router(tags=["health"])


def parts() -> dict[str, str]:
    """The servers that the product needs, and whether each answers now."""
    checks = {"database": db.answers, "queue": queue.answers, "store": object_store.answers}
    return {name: "ok" if check() else "does not answer" for name, check in checks.items()}


def status_of(found: dict[str, str]) -> int:
    """200 if everything answers, otherwise 503."""
    return 200 if all(value == "ok" for value in found.values()) else 503


@router.get("/healthz", summary="The process answers")
@allow(PUBLIC)
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Database, queue and store answer", responses={503: {"description": "A part is away"}})
@allow(PUBLIC)
def readyz(response: Response) -> dict[str, str]:
    found = parts()
    response.status_code = status_of(found)
    return found
