"""The classes of one dataset: what they are, and changing them while they are in use.

A form makes changes, the service says what they would do, and the person sees that before anything is done. Changes
that touch no label are made at once.
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.schemas.schema_changes import SchemaChanges, SchemaChangesApply, SchemaImpact
from app.services import datasets, samples, schema_changes
from state import views
from state.addresses import dataset_of
from state.base import Page
from state.marks import permission
from state.views.classes import NO_CLASS, TASKS, ClassRow, Consequence, attributes_of, class_row, consequences

_READ, _WRITE = Permission.DATASETS_READ, Permission.DATASETS_WRITE
FORMS = ("add", "edit", "merge", "split", "remove")


class DatasetClassesState(Page, rx.State):
    """The classes of the dataset whose id stands in the address; `form` names the dialog that is open."""

    dataset: views.DatasetRow = views.NO_DATASET
    task: str = ""
    task_words: str = ""
    rows: list[ClassRow] = []
    form: str = ""
    about: ClassRow = NO_CLASS
    others: list[views.Option] = []
    split_by: list[views.Option] = []
    shown: list[Consequence] = []
    is_asking: bool = False
    # As JSON: Reflex would wrap a model, and what is wrapped is no request.
    _wanted: str = ""
    _digest: str = ""
    _schema: dict[str, Any] = {}

    @permission(_READ)
    async def load(self) -> None:
        """The classes of the dataset in the address, and how often each is named."""
        dataset_id = dataset_of(self.router.url.path)
        if dataset_id is None:
            self.problem, self.loading = "There is no such dataset. Choose one from the list.", False
            return
        if self.dataset["id"] != str(dataset_id):
            self.dataset, self.rows, self.loading = views.NO_DATASET, [], True
        self.form, self.is_asking = "", False
        await self._refresh(dataset_id)

    @permission(_WRITE)
    def open_form(self, kind: str, name: str) -> None:
        """Open the form of one kind of change, about one class."""
        about = next((row for row in self.rows if row["name"] == name), NO_CLASS)
        if kind not in FORMS or (kind != "add" and about is NO_CLASS):
            return
        self.form_error, self.form, self.about = "", kind, about
        self.others = [_option(row["name"]) for row in self.rows if row["name"] != name]
        known = next((one for one in self._schema["classes"] if one["name"] == name), {})
        usable = [one["name"] for one in known.get("attributes") or [] if one["type"] != "number"]
        self.split_by = [_option(attribute) for attribute in usable]

    @permission(_WRITE)
    def close_form(self, is_open: bool) -> None:
        """The dialog was closed."""
        if not is_open:
            self.form = ""

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> None:
        """Ask what the change would do; show it, or make it at once where no label changes."""
        texts = {str(name): str(value).strip() for name, value in form.items()}
        wanted = self._parse(SchemaChanges, {"changes": self._changes(texts)})
        if wanted is not None:
            await self._preview(wanted)

    @permission(_WRITE)
    async def apply(self) -> None:
        """Make the changes that are shown."""
        await self._apply()

    @permission(_WRITE)
    def set_asking(self, is_open: bool) -> None:
        """The question was closed."""
        self.is_asking = self.is_asking and bool(is_open)

    async def _preview(self, wanted: SchemaChanges) -> None:
        impact = await self._submit(schema_changes.preview, UUID(self.dataset["id"]), wanted)
        if impact is None:
            return
        self.form, self._digest = "", impact.digest
        self._wanted = wanted.model_dump_json(by_alias=True, exclude_unset=True)
        self.shown = consequences(impact)
        if impact.fates or impact.opinions_changed or impact.opinions_removed:
            self.is_asking = True
        else:
            await self._apply()

    async def _apply(self) -> None:
        self.is_asking = False
        if not self._wanted:
            return
        wanted = SchemaChanges.model_validate_json(self._wanted)
        request = SchemaChangesApply(changes=wanted.changes, digest=self._digest)
        dataset_id = UUID(self.dataset["id"])
        done: SchemaImpact | None = await self._do(schema_changes.apply, dataset_id, request)
        if done is None:
            # Labels that it touches are others by now: what it would do is shown again, beside the message.
            again = await self._do(schema_changes.preview, dataset_id, wanted)
            if again is not None:
                self.shown, self._digest, self.is_asking = consequences(again), again.digest, True
            return
        self._wanted = ""
        self._tell(f"The classes are changed; {done.samples_changed:,} samples changed with them.")
        await self._refresh(dataset_id)

    async def _refresh(self, dataset_id: UUID) -> None:
        dataset = await self._load(datasets.get, dataset_id)
        counts = await self._load(samples.class_counts, dataset_id) if dataset is not None else None
        if dataset is None or counts is None:
            return
        self._schema = dataset.label_schema
        self.task = str(dataset.label_schema.get("task", "classification"))
        self.task_words = TASKS[self.task]
        self.rows = [class_row(known, counts) for known in dataset.label_schema["classes"]]
        self.dataset, self.loading = views.dataset_row(dataset), False

    def _changes(self, texts: dict[str, str]) -> list[dict[str, Any]]:
        """What the open form asks for, as the service takes it."""
        name = self.about["name"]
        looks = {"color": texts.get("color") or NO_CLASS["color"], "key": texts.get("key") or None}
        if self.task == "detection":
            looks |= {"attributes": attributes_of(texts.get("attributes", ""))}  # type: ignore[dict-item]
        match self.form:
            case "add":
                return [{"change": "add", "new": {"name": texts.get("name", ""), **looks}}]
            case "edit":
                to = texts.get("name", "")
                rename = [{"change": "rename", "class": name, "to": to}] if to != name else []
                return [{"change": "edit", "class": name, **looks}, *rename]
            case "merge":
                return [{"change": "merge", "classes": [name], "into": texts.get("into", "")}]
            case "split":
                return [self._split(texts)]
        return [{"change": "remove", "class": name}]

    def _split(self, texts: dict[str, str]) -> dict[str, Any]:
        """A line for each new class: its name, and after a colon the values or samples that become it."""
        attribute, cases = texts.get("attribute", ""), dict[str, list[str]]()
        for line in filter(None, (line.strip() for line in texts.get("into", "").splitlines())):
            name, _, rest = (part.strip() for part in line.partition(":"))
            cases[name] = [part.strip() for part in rest.split(",") if part.strip()]
        known = next(one for one in self._schema["classes"] if one["name"] == self.about["name"])
        kept = [one for one in known.get("attributes") or [] if one["name"] != attribute]
        into = [{"name": name, "color": self.about["color"], "attributes": kept} for name in cases]
        rule: dict[str, Any] = {"samples": {name: ids for name, ids in cases.items() if ids}}
        if attribute:
            values = {value: name for name, found in cases.items() for value in found or [name]}
            rule = {"attribute": attribute, "values": values}
        otherwise = texts.get("otherwise") or None
        return {"change": "split", "class": self.about["name"], "into": into, "otherwise": otherwise, **rule}


def _option(name: str) -> views.Option:
    return {"value": name, "label": name}
