"""What a person set for themselves."""

from typing import Annotated

from fastapi import Path

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.preferences import PreferenceSet, PreferenceView
from app.services import preferences

router = guarded_router(prefix="/me/preferences", tags=["preferences"])
PreferenceName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Such as `label_keys`")]


@router.get("/{name}", summary="Show one of my preferences")
@allow(Permission.OWN_READ)
def get_preference(run: Run, name: PreferenceName) -> PreferenceView:
    return run(preferences.get, name)


@router.put("/{name}", summary="Set one of my preferences")
@allow(Permission.OWN_WRITE)
def put_preference(run: Run, name: PreferenceName, request: PreferenceSet) -> PreferenceView:
    return run(preferences.put, name, request)
