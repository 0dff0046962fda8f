"""Edge servers as pages show them."""

from typing import TypedDict

from app.domain.semver import Version
from app.errors import DomainError
from app.schemas.edge_servers import EdgeServerView, LoadedModel
from state.views.models import VersionRow
from state.views.words import Option, iso, plainly


class EdgeRow(TypedDict):
    """An edge server."""

    id: str
    name: str
    site: str
    place: str
    health: str
    model: str
    digest: str
    more_models: str
    last_heartbeat_at: str
    inferences: str
    p50: str
    last_error: str
    edge_version: str
    platform: str
    enrolled_at: str
    is_revoked: bool
    can_enrol: bool


class Site(TypedDict):
    """An edge server on the map."""

    id: str
    name: str
    latitude: float | None
    longitude: float | None
    health: str
    version: str
    last_heartbeat_at: str


class LoadedRow(TypedDict):
    """A model in an edge's memory beside what was released under the same id. `verdict`: same, different, unknown."""

    ai_module: str
    version: str
    version_id: str
    loaded: str
    released: str
    verdict: str
    loaded_at: str


NO_EDGE: EdgeRow = {
    "id": "",
    "name": "",
    "site": "",
    "place": "",
    "health": "",
    "model": "",
    "digest": "",
    "more_models": "",
    "last_heartbeat_at": "",
    "inferences": "0",
    "p50": "–",
    "last_error": "",
    "edge_version": "",
    "platform": "",
    "enrolled_at": "",
    "is_revoked": False,
    "can_enrol": False,
}


def edge_row(item: EdgeServerView) -> EdgeRow:
    """An edge server; the model shown first is the one loaded last."""
    loaded = sorted(item.loaded, key=lambda model: model.loaded_at, reverse=True)
    first = loaded[0] if loaded else None
    more = f"and {len(loaded) - 1} more" if len(loaded) > 1 else ""
    return {
        "id": str(item.id),
        "name": item.name,
        "site": item.site,
        "place": _place(item.latitude, item.longitude),
        "health": str(item.health),
        "model": f"{first.ai_module} {first.version}" if first else "",
        "digest": first.bundle_sha256 if first else "",
        "more_models": more,
        "last_heartbeat_at": iso(item.last_heartbeat_at),
        "inferences": f"{item.inference_count:,}",
        "p50": "–" if item.inference_p50_ms is None else f"{item.inference_p50_ms:.1f} ms",
        "last_error": plainly(item.last_error),
        "edge_version": item.edge_version or "–",
        "platform": item.platform or "–",
        "enrolled_at": iso(item.enrolled_at),
        "is_revoked": item.revoked_at is not None,
        "can_enrol": item.enrolled_at is None,
    }


def site(item: EdgeServerView) -> Site:
    """An edge server on the map."""
    row = edge_row(item)
    return {
        "id": row["id"],
        "name": row["name"],
        "latitude": item.latitude,
        "longitude": item.longitude,
        "health": row["health"],
        "version": row["model"],
        "last_heartbeat_at": row["last_heartbeat_at"],
    }


def loaded_row(model: LoadedModel, released: str | None) -> LoadedRow:
    """A loaded model; `released` is the digest that the cloud has under its id, None if it has none."""
    verdict = "unknown" if released is None else "same" if released == model.bundle_sha256 else "different"
    return {
        "ai_module": model.ai_module,
        "version": model.version,
        "version_id": str(model.model_version_id),
        "loaded": model.bundle_sha256,
        "released": released or "",
        "verdict": verdict,
        "loaded_at": iso(model.loaded_at),
    }


def edge_option(item: EdgeServerView, wanted: VersionRow) -> Option:
    """An edge server in a select, with what deploying `wanted` to it would mean."""
    present = next((model.version for model in item.loaded if model.ai_module == wanted["ai_module"]), None)
    if item.enrolled_at is None:
        meaning = "not enrolled yet; it will wait"
    elif present is None:
        meaning = "runs no version of this module"
    else:
        meaning = _change(present, wanted["version"])
    return {"value": str(item.id), "label": f"{item.name} · {meaning}"}


def _change(present: str, wanted: str) -> str:
    try:
        back = Version.parse(wanted) < Version.parse(present)
    except DomainError:
        back = False
    if present == wanted:
        return f"runs {present} already"
    return f"rolls back from {present}" if back else f"runs {present}"


def _place(latitude: float | None, longitude: float | None) -> str:
    if latitude is None or longitude is None:
        return "no place on the map"
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"{abs(latitude):.2f}° {north}, {abs(longitude):.2f}° {east}"
