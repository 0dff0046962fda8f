"""Records into a dataset, in batches: each file is hashed, skipped if it is there, else received as any upload is.

Files are looked at and filed by the same service as those of the browser (`sample_uploads.file_image`), so there is one
truth about what a file is; they are at hand here, and need no place in the store to arrive at first. A batch is
registered in one transaction with its labels. Who is killed in between and starts again finds what is registered by its
digest and goes on behind it.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

from app.domain.labels import LabelValue
from app.errors import Conflict, DomainError, Invalid
from app.exchange import Run
from app.exchange.report import Report
from app.formats.records import Fault, Record
from app.infra.object_store import ObjectStore
from app.schemas.samples import FILE_NAME, MAX_FILE_BYTES, SPLIT, SampleFacts
from app.services import imported_samples, sample_uploads
from app.services.files import ReceivedFile

BATCH = 200
PARALLEL = 8
SOURCE_ID = "source_id"


@dataclass(slots=True)
class Counts:
    """What became of the images until now; `boxes` went in, with added images or on ones that were there."""

    images: int = 0
    added: int = 0
    known: int = 0
    labelled: int = 0
    boxes: int = 0
    refused: int = 0

    def as_dict(self) -> dict[str, int]:
        """For a column or a screen."""
        return asdict(self)


@dataclass(slots=True)
class _Item:
    """One record on its way."""

    record: Record
    sha256: str
    label: LabelValue | None
    received: ReceivedFile | None = None

    def facts(self) -> SampleFacts:
        said = {SPLIT: self.record.split, SOURCE_ID: self.record.source_id}
        metadata = {name: value for name, value in self.record.attributes.items() if name.strip()}
        metadata |= {FILE_NAME: self.record.name[-500:]} | {k: v for k, v in said.items() if v is not None}
        return SampleFacts(
            captured_at=self.record.captured_at,
            metadata=dict(islice(metadata.items(), 50)),
        )


@dataclass(slots=True)
class Importer:
    """Imports the records of one source into one dataset."""

    run: Run
    store: ObjectStore
    dataset_id: UUID
    root: Path
    report: Report
    counts: Counts = field(default_factory=Counts)

    def go(self, records: Iterator[tuple[Record, LabelValue | None]], tell: Callable[[Counts], None]) -> Counts:
        """Import everything; `tell` is called after each batch, and may raise to end it there."""
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="import") as pool:
            while batch := list(islice(records, BATCH)):
                self._batch(batch, pool)
                self.counts.images += len(batch)
                tell(self.counts)
        return self.counts

    def _batch(self, batch: list[tuple[Record, LabelValue | None]], pool: ThreadPoolExecutor) -> None:
        digests = list(pool.map(lambda one: _digest(self.root / one[0].name), batch))
        items = self._once([_Item(r, d, label) for (r, label), d in zip(batch, digests, strict=True) if d])
        for record in (r for (r, _), d in zip(batch, digests, strict=True) if not d):
            self.counts.refused += 1
            what = f"the file has more than the {MAX_FILE_BYTES:,} bytes allowed"
            self.report.add(Fault("too-large", record.name, None, what, "Make it smaller."))
        known = self.run(imported_samples.known, self.dataset_id, [item.sha256 for item in items])
        self._label_known({known[item.sha256]: item for item in items if item.sha256 in known})
        new = [item for item in items if item.sha256 not in known]
        if new:
            self._receive(new, pool)
            self._register([item for item in new if item.received is not None])

    def _once(self, items: list[_Item]) -> list[_Item]:
        """Without those whose content stood earlier in the batch."""
        seen: dict[str, _Item] = {}
        for item in items:
            first = seen.setdefault(item.sha256, item)
            if first is not item:
                self._same(item.record, first.record.name)
        return list(seen.values())

    def _same(self, record: Record, other: str) -> None:
        self.counts.known += 1
        what = f"{record.name} has the same content as {other}, which went in"
        place, todo = record.file or record.name, "Keep one of them."
        self.report.add(Fault("same-content", place, record.line, what, todo, left_out=False))

    def _label_known(self, items: dict[UUID, _Item]) -> None:
        labels = {key: item.label for key, item in items.items() if item.label is not None}
        done = self.run(imported_samples.label_known, self.dataset_id, labels) if labels else set()
        self.counts.known += len(items)
        self.counts.labelled += len(done)
        self.counts.boxes += sum(_boxes(items[key]) for key in done)

    def _receive(self, items: list[_Item], pool: ThreadPoolExecutor) -> None:
        terms = self.run(sample_uploads.may_create, self.dataset_id)
        for fault in filter(None, pool.map(lambda item: self._receive_one(item, terms), items)):
            self.counts.refused += 1
            self.report.add(fault)

    def _receive_one(self, item: _Item, terms: sample_uploads.Terms) -> Fault | None:
        name = item.record.name
        try:
            data = (self.root / name).read_bytes()
            item.received = sample_uploads.file_image(self.dataset_id, data, name, self.store, terms)
        except Invalid as refused:
            what = refused.message.removeprefix(f"{name}: ")
            return Fault("image", name, None, what, "Replace or remove the image.")
        return None

    def _register(self, items: list[_Item]) -> None:
        """Those that are new also by the digest of what was kept of them: pictures may be turned upright on the way."""
        turned = [item for item in items if item.received is not None and item.received.sha256 != item.sha256]
        digests = [item.received.sha256 for item in turned if item.received is not None]
        known = self.run(imported_samples.known, self.dataset_id, digests) if digests else {}
        fresh: dict[str, _Item] = {}
        for item in items:
            assert item.received is not None
            if item.received.sha256 in known:
                self.counts.known += 1
            elif item.received.sha256 in fresh:
                self._same(item.record, fresh[item.received.sha256].record.name)
            else:
                fresh[item.received.sha256] = item
        self._create(list(fresh.values()))

    def _create(self, items: list[_Item]) -> None:
        if not items:
            return
        files = [item.received for item in items if item.received is not None]
        try:
            facts = [(item.facts(), item.label) for item in items]
            self.run(sample_uploads.create_filed, self.dataset_id, facts, files)
        except (Conflict, Invalid) as refused:
            if len(items) == 1:
                self._refuse(items[0], refused)
                return
            # Somebody else added one of them at this moment, or one label does not fit: the others go in.
            for item in items:
                self._create([item])
            return
        self.counts.added += len(items)
        self.counts.labelled += sum(item.label is not None for item in items)
        self.counts.boxes += sum(_boxes(item) for item in items)

    def _refuse(self, item: _Item, refused: DomainError) -> None:
        self.counts.refused += 1
        record = item.record
        todo = "Correct it and import again; what is in already is skipped."
        self.report.add(Fault("refused", record.file or record.name, record.line, refused.message, todo))


def _boxes(item: _Item) -> int:
    return len(item.label.annotations) if item.label is not None else 0


def _digest(path: Path) -> str | None:
    """The sha256 of a file; None if it is larger than any that is taken."""
    if path.stat().st_size > MAX_FILE_BYTES:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
