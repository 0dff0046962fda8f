"""Versions of one dataset: the list, one of them in numbers, two of them compared, committing and restoring."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.dataset_versions import Kind
from app.domain.permissions import Permission
from app.schemas.dataset_versions import VersionCommit, VersionFilter, VersionRestore
from app.schemas.training_jobs import TrainingJobFilter
from app.services import datasets, training_jobs, version_commits, version_restores, versions
from state.addresses import address, dataset_of
from state.base import paged, store
from state.marks import permission
from state.used_versions import used_version
from state.views.dataset_versions import (
    NO_FACTS,
    ChangeCard,
    CountChip,
    DatasetVersionRow,
    UseRow,
    VersionFacts,
    change_card,
    count_chips,
    dataset_version_row,
    preview_lines,
    use_row,
    version_facts,
)
from state.views.used_version import NO_USED, UsedRow

PAGE, CARDS, JOBS = 20, 24, 20
_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE
_KINDS = {str(kind) for kind in Kind}


class DatasetVersionsState(paged(_READ), rx.State):
    """The versions of the dataset whose id stands in the address, and which of them are looked at."""

    dataset_id: str = ""
    dataset_name: str = ""
    rows: list[DatasetVersionRow] = []
    shown: VersionFacts = NO_FACTS
    jobs: list[UseRow] = []
    used: UsedRow = NO_USED
    before: str = ""
    after: str = ""
    kind: str = ""
    counts: list[CountChip] = []
    cards: list[ChangeCard] = []
    schema_changed: bool = False
    more_cards: bool = False
    is_comparing: bool = False
    is_committing: bool = False
    is_looking: bool = False
    scope: str = "verified"
    bump: str = ""
    number: str = ""
    lines: list[str] = []
    restoring: str = ""
    _cards_next: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The list from its beginning, and what the address asks to look at."""
        url = self.router.url
        wanted = dataset_of(url.path)
        if wanted is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        if self.dataset_id != str(wanted):
            self.dataset_id, self.dataset_name, self.rows, self.shown = str(wanted), "", [], NO_FACTS
            self.jobs, self.used, self.loading, self.problem = [], NO_USED, True, ""
            self.is_committing, self.restoring = False, ""
            yield
        query = url.query_parameters
        self.before, self.after = query.get("before", "")[:40], query.get("after", "")[:40]
        self.kind = query.get("kind", "") if query.get("kind", "") in _KINDS else ""
        self._first_page()
        await self._refresh()
        await self._show(query.get("version", "")[:40] or self.after)
        await self._compare("")

    @permission(_READ)
    def show(self, version: str) -> Any:
        """Put the version that is shown into the address; loading follows from it."""
        return rx.redirect(address(self._path(), version=str(version)), replace=True)

    @permission(_READ)
    def compare(self, form: dict[str, Any]) -> Any:
        """Put the two versions into the address."""
        chosen = {name: str(form.get(name, "")) for name in ("before", "after")}
        return rx.redirect(address(self._path(), **chosen))

    @permission(_READ)
    def compare_with_parent(self, version: str) -> Any:
        """Compare a version with the one before it."""
        numbers = [row["version"] for row in self.rows if row["has_samples"]]
        older = numbers[numbers.index(version) + 1 :] if version in numbers else []
        if not older:
            self._tell("There is no version before it on this page that keeps its samples.", "warning")
            return None
        return rx.redirect(address(self._path(), before=older[0], after=str(version)))

    @permission(_READ)
    def filter_kind(self, kind: str) -> Any:
        """Only samples that this happened to, or all again."""
        chosen = "" if kind == self.kind else str(kind)
        return rx.redirect(address(self._path(), before=self.before, after=self.after, kind=chosen), replace=True)

    @permission(_READ)
    async def next_cards(self) -> None:
        """The following changed samples."""
        await self._compare(self._cards_next)

    def _path(self) -> str:
        return f"/datasets/{self.dataset_id}/versions"

    def _id(self) -> UUID:
        return UUID(self.dataset_id)

    async def _refresh(self) -> None:
        dataset = await self._load(datasets.get, self._id())
        if dataset is None:
            return
        self.dataset_name = dataset.name
        page = await self._load(versions.list_versions, self._id(), VersionFilter(), self._cursor(), PAGE)
        if page is not None:
            self.rows = [dataset_version_row(item) for item in page.items]
            self._shown(page, "version", "versions")

    async def _show(self, version: str) -> None:
        if not self.rows:
            self.shown, self.jobs, self.used = NO_FACTS, [], NO_USED
            return
        found = await self._do(versions.get, self._id(), version or self.rows[0]["version"])
        if found is None:
            return
        self.shown = version_facts(found)
        wanted = TrainingJobFilter(dataset_version_id=found.id)
        page = await self._do(training_jobs.list_jobs, wanted, None, JOBS)
        self.jobs = [use_row(item) for item in page.items] if page else []
        self.used = await used_version(self._id(), found.id)

    async def _compare(self, cursor: str) -> None:
        self.is_comparing = bool(self.before and self.after)
        if not self.is_comparing:
            self.cards, self.counts = [], []
            return
        kind = Kind(self.kind) if self.kind else None
        found = await self._do(versions.diff, self._id(), self.before, self.after, store(), kind, cursor or None, CARDS)
        if found is None:
            self.is_comparing = False
            return
        self.counts, self.schema_changed = count_chips(found.counts), found.schema_changed
        self.cards = [change_card(item) for item in found.items]
        self._cards_next, self.more_cards = found.next_cursor or "", found.next_cursor is not None

    @permission(_WRITE)
    async def open_commit(self, is_open: bool) -> Any:
        """Open or close the dialog; while it opens, look what would come."""
        self.is_committing, self.form_error = bool(is_open), ""
        self.number, self.lines, self.bump = "", [], ""
        if self.is_committing:
            self.is_looking = True
            yield
            await self._preview()

    @permission(_WRITE)
    async def choose_scope(self, scope: str) -> Any:
        """Which samples the version would hold."""
        self.scope, self.is_looking = str(scope), True
        yield
        await self._preview()

    @permission(_WRITE)
    async def choose_bump(self, bump: str) -> Any:
        """A higher number than the changes need."""
        self.bump, self.is_looking = str(bump), True
        yield
        await self._preview()

    @permission(_WRITE)
    async def commit_now(self, form: dict[str, Any]) -> Any:
        """Freeze the samples as they are now."""
        values = {"message": str(form.get("message", "")).strip(), "scope": self.scope, "bump": self.bump or None}
        request = self._parse(VersionCommit, values)
        made = await self._submit(version_commits.create, self._id(), request) if request else None
        if made is None:
            return None
        self.is_committing = False
        self._tell(f"Version {made.version} holds {made.sample_count:,} samples.")
        return rx.redirect(address(self._path(), version=made.version), replace=True)

    @permission(_WRITE)
    def ask_restore(self, version: str) -> None:
        """Open the question whether to restore, or close it with an empty version."""
        self.restoring, self.form_error = str(version), ""

    @permission(_WRITE)
    def close_restore(self, is_open: bool) -> None:
        """The question was closed."""
        if not is_open:
            self.restoring = ""

    @permission(_WRITE)
    async def restore(self, form: dict[str, Any]) -> None:
        """Make the samples what they were."""
        request = self._parse(VersionRestore, {"message": str(form.get("message", "")).strip()})
        done = await self._submit(version_restores.restore, self._id(), self.restoring, request) if request else None
        if done is None:
            return
        self.restoring = ""
        kept = f" What was there before is version {done.kept_as}." if done.kept_as else ""
        self._tell(
            f"Version {done.version} is restored: {done.brought_back} samples came back, {done.changed} changed, "
            f"{done.removed} left.{kept}"
        )
        self._first_page()
        await self._refresh()

    async def _preview(self) -> None:
        request = self._parse(VersionCommit, {"scope": self.scope, "bump": self.bump or None})
        found = await self._submit(version_commits.preview, self._id(), request) if request else None
        self.is_looking = False
        self.number = (found.version or "") if found else ""
        self.lines = preview_lines(found) if found else []
