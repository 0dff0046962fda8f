"""What machines that watch over the server ask for, at its root: `/healthz`, `/readyz`, `/metrics`.

The first two are open and counted nowhere: a probe must not be refused because it asks often. They say nothing but
whether the parts answer, and the parts are asked once a second at most. Metrics are for who may read all of them.
"""

import threading
import time

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from app.api.base import Api
from app.api.deps import Run
from app.api.guard import guarded_router, refuse_unguarded
from app.api.marks import allow
from app.api.v1 import health
from app.domain.permissions import Permission
from app.infra.metrics import exposition
from app.services import metrics

router = guarded_router(tags=["operations"])


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
@allow(Permission.METRICS_READ)
def show_metrics(run: Run, request: Request) -> Response:
    body, content_type = exposition(run(metrics.measure), request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})


class Readiness:
    """The parts of the server and whether they answer; who asks again within a second gets the same answer."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._parts: dict[str, str] = {}
        self._asked = float("-inf")

    def ask(self) -> dict[str, str]:
        """What answers and what does not."""
        with self._lock:
            if time.monotonic() - self._asked > self.seconds:
                self._parts = health.parts()
                self._asked = time.monotonic()
            return dict(self._parts)

    async def readyz(self, _request: Request) -> JSONResponse:
        """Database, queue and store answer."""
        found = await run_in_threadpool(self.ask)
        return JSONResponse(found, health.status_of(found), {"cache-control": "no-store"})


async def healthz(_request: Request) -> JSONResponse:
    """The process answers."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


def routes() -> list[BaseRoute]:
    """Exactly these paths, so that everything else stays the dashboard's."""
    api = Api(title="Trainyard operations", openapi_url=None)
    api.include_router(router)
    refuse_unguarded(api)
    return [Route("/healthz", healthz), Route("/readyz", Readiness().readyz), Route("/metrics", api)]
