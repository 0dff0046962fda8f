"""Is the process alive, and can it do its work?"""

from fastapi import APIRouter, Response
from sqlalchemy import text

from app.errors import DomainError
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.infra.queue import get_redis

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process answers")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Database, queue and store answer", responses={503: {"description": "A part is away"}})
def readyz(response: Response) -> dict[str, str]:
    import redis
    from sqlalchemy.exc import SQLAlchemyError

    parts: dict[str, str] = {}
    try:
        with transaction() as session:
            session.execute(text("SELECT 1"))  # type: ignore[deprecated]
        parts["database"] = "ok"
    except (DomainError, SQLAlchemyError):
        parts["database"] = "does not answer"
    try:
        get_redis().ping()
        parts["queue"] = "ok"
    except redis.RedisError:
        parts["queue"] = "does not answer"
    try:
        get_object_store().ensure_bucket()
        parts["store"] = "ok"
    except DomainError:
        parts["store"] = "does not answer"
    if any(value != "ok" for value in parts.values()):
        response.status_code = 503
    return parts
