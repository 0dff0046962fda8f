"""Archives into and out of one dataset: look first, then import; export; and what became of each."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.formats import AUTO
from app.schemas.transfers import ExportCreate, ImportCreate, TransferFilter
from app.services import datasets, transfers
from state.addresses import dataset_of
from state.base import paged, store
from state.marks import permission
from state.views.transfers import NO_REPORT, TransferReport, TransferRow, transfer_report, transfer_row

PAGE = 20
_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE


class DatasetTransfersState(paged(_READ), rx.State):
    """The dataset whose id stands in the address, and one page of its imports and exports."""

    dataset_id: str = ""
    name: str = ""
    rows: list[TransferRow] = []
    report: TransferReport = NO_REPORT
    format_name: str = AUTO
    _watched: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The dataset's newest imports and exports."""
        wanted = dataset_of(self.router.url.path)
        if wanted is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        if self.dataset_id != str(wanted):
            self.dataset_id, self.name, self.rows, self.report, self._watched = str(wanted), "", [], NO_REPORT, ""
            self.loading, self.problem = True, ""
            yield
        self._first_page()
        await self._refresh()

    @permission(_WRITE)
    def choose_format(self, name: str) -> None:
        """What the next archive is in."""
        self.format_name = str(name)

    @permission(_WRITE)
    async def uploaded(self, upload_key: str, _file_name: str) -> None:
        """An archive is there: look at it before anything is imported."""
        given = {"upload_key": upload_key, "format": self.format_name or AUTO, "dry_run": True}
        request = self._parse(ImportCreate, given)
        made = await self._do(transfers.request_import, self._id(), request) if request else None
        if made is not None:
            self._watched = str(made.id)
            self._tell("The archive is there. What is in it is looked at now; nothing is imported yet.", "info")
            await self._newest()

    @permission(_WRITE)
    async def bring_in(self, add_classes: bool) -> None:
        """Import what the open report is about."""
        looked = await self._do(transfers.get, self._id(), UUID(self.report["id"] or "0" * 32), store())
        if looked is None:
            return
        request = ImportCreate(
            upload_key=looked.options.get("upload_key", ""),
            format=looked.report.get("format", AUTO),
            add_classes=bool(add_classes),
        )
        made = await self._do(transfers.request_import, self._id(), request)
        if made is not None:
            self.report, self._watched = NO_REPORT, str(made.id)
            self._tell("The import runs. This page may be closed; the list says how far it is.")
            await self._newest()

    @permission(_WRITE)
    async def export(self, form: dict[str, Any]) -> None:
        """Write the dataset into an archive."""
        given = {"format": str(form.get("format", "")), "images": "images" in form}
        request = self._parse(ExportCreate, given)
        made = await self._submit(transfers.request_export, self._id(), request) if request else None
        if made is not None:
            self._tell("The export runs. Its line in the list gets a download when it is done.")
            await self._newest()

    @permission(_WRITE)
    async def cancel(self, transfer_id: str) -> None:
        """End one that is not over."""
        known = self._known(transfer_id)
        if known is not None and await self._do(transfers.cancel, self._id(), known) is not None:
            self._tell("Cancelled. What was imported until then stays.")
            await self._refresh()

    @permission(_READ)
    async def show(self, transfer_id: str) -> None:
        """Open the report of one."""
        known = self._known(transfer_id)
        found = await self._do(transfers.get, self._id(), known, store()) if known is not None else None
        if found is not None:
            self.report = transfer_report(found)

    @permission(_READ)
    def close(self, is_open: bool) -> None:
        """The report was read."""
        if not is_open:
            self.report = NO_REPORT

    def _known(self, transfer_id: str) -> UUID | None:
        return next((UUID(row["id"]) for row in self.rows if row["id"] == transfer_id), None)

    def _id(self) -> UUID:
        return UUID(self.dataset_id or "0" * 32)

    async def _newest(self) -> None:
        self._first_page()
        await self._refresh()

    async def _refresh(self) -> None:
        if not self.dataset_id:
            return
        found = await self._load(datasets.get, self._id())
        if found is None:
            return
        self.name = found.name
        page = await self._load(transfers.list_transfers, self._id(), TransferFilter(), self._cursor(), PAGE)
        if page is not None:
            self.rows = [transfer_row(item) for item in page.items]
            self._shown(page, "import or export", "imports and exports")
            await self._open_when_done()

    async def _open_when_done(self) -> None:
        """The report of what this person just asked for opens by itself, once."""
        row = next((row for row in self.rows if row["id"] == self._watched), None)
        if row is None or row["can_cancel"]:
            return
        self._watched = ""
        found = await self._do(transfers.get, self._id(), UUID(row["id"]), store())
        if found is not None:
            self.report = transfer_report(found)
