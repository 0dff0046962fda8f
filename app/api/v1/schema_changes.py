"""Changing the label schema of a dataset in use."""

from typing import Any
from uuid import UUID

from app.api.deps import Run
from app.api.guard import guarded_router
from app.api.marks import allow
from app.api.problems import MEDIA_TYPE
from app.domain.permissions import Permission
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply, SchemaImpact
from app.services import schema_changes

CHECKS_DIGEST: dict[int | str, dict[str, Any]] = {
    412: {
        "description": "Labels that the changes touch are others by now; `digest` is the present one, nothing changed",
        "content": {MEDIA_TYPE: {}},
    }
}

router = guarded_router(prefix="/training/datasets/{dataset_id}/schema-changes", tags=["datasets"])


@router.post("/preview", summary="Show what a change of the label schema would do")
@allow(Permission.DATASETS_WRITE)
def preview_schema_changes(run: Run, dataset_id: UUID, request: SchemaChanges) -> SchemaImpact:
    return run(schema_changes.preview, dataset_id, request)


@router.post("", summary="Change the label schema as a preview showed it", responses=CHECKS_DIGEST)
@allow(Permission.DATASETS_WRITE)
def apply_schema_changes(run: Run, dataset_id: UUID, request: SchemaChangesApply) -> SchemaImpact:
    return run(schema_changes.apply, dataset_id, request)
