"""Imports from archives and exports to them, as callers send and see them."""

from typing import Any, Literal

from pydantic import Field

from app.domain.machines import TransferStatus
from app.schemas.base import UUID, Request, Sorted, View, datetime, sort_field
from app.schemas.uploads import UploadKey

FormatName = Literal["coco", "yolo", "voc", "cvat", "label_studio", "csv", "folders"]
TransferKind = Literal["import", "export"]
TransferSort = Literal["created_at", "-created_at"]


class ImportCreate(Request):
    """An archive (.zip, .tar, .tar.gz) that was uploaded, and how to import it.

    A dry run shows what would happen; the archive stays, so that the same `upload_key` can be imported afterwards.
    """

    upload_key: UploadKey
    format: FormatName | Literal["auto"] = "auto"
    dry_run: bool = Field(False, description="Only report; import nothing")
    add_classes: bool = Field(False, description="Add classes and attributes that the dataset lacks")


class ExportCreate(Request):
    """Write the dataset as it is now, or a version of it, into an archive."""

    format: FormatName
    version: str | None = Field(None, max_length=40, description="A version, as 1.2.0 or latest")
    images: bool = Field(True, description="With the image files, or annotations alone")


class TransferFilter(Sorted):
    """Which imports and exports to list, and in which order."""

    kind: TransferKind | None = None
    status: TransferStatus | None = None
    sort: TransferSort = sort_field()


class TransferView(View):
    """An import or export: how far it is, and what came of it.

    `report` holds counts, the first faults (file, line, what, what to do) and, for an export, what was lost.
    """

    id: UUID
    dataset_id: UUID
    kind: TransferKind
    format: str
    options: dict[str, Any]
    status: TransferStatus
    done: int
    total: int | None
    report: dict[str, Any]
    error: str | None
    created_by: int
    created_at: datetime
    completed_at: datetime | None
    files_until: datetime | None = Field(None, description="Until when the files that it made can be fetched")
    files_removed: bool = Field(False, description="It made files, and their time is over")


class TransferDetail(TransferView):
    """With signed, expiring URLs of the archive and of the list of every fault (JSON lines)."""

    archive: str | None = Field(None, description="The archive that an export made")
    faults: str | None = Field(None, description="Every fault, one JSON object a line")
