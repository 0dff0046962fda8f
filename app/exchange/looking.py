"""Read a source once, whole, before anything is imported: records and labels wait in files, faults are in the report.

What is imported afterwards is exactly what was reported on, and it needs no second reading. The files grow with the
source, memory does not.
"""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from app.domain.labels import LabelSchema, LabelValue
from app.errors import Invalid, TooLarge
from app.exchange.fitting import Fitting
from app.exchange.report import Report
from app.exchange.surveying import Survey, survey
from app.formats import declared_classes, open_source, read
from app.formats.records import Fault, Record
from app.formats.source import place
from app.services.files import inspect_image

BATCH, PARALLEL = 200, 4


@dataclass(slots=True)
class Look:
    """What a source turned out to be."""

    format_name: str
    root: Path
    found: Survey
    _spool: IO[bytes]
    _labels: IO[bytes]

    def records(self) -> Iterator[Record]:
        """Every record, in the order of the source."""
        self._spool.seek(0)
        for _ in range(self.found.images):
            yield pickle.load(self._spool)  # noqa: S301 written by `look`, in a file without a name

    def check(self, schema: LabelSchema, report: Report) -> None:
        """Make the labels for a dataset with this schema, and report what has no place in it.

        Raises `Invalid` if the task is another one.
        """
        refuse_other_task(self.found, schema)
        fitting = Fitting(schema, report)
        self._labels.seek(0)
        for record in self.records():
            pickle.dump(fitting.label(record), self._labels, pickle.HIGHEST_PROTOCOL)

    def fitted(self) -> Iterator[tuple[Record, LabelValue | None]]:
        """Every record with its label for the schema that was checked last; None if it has none that fits."""
        self._labels.seek(0)
        for record in self.records():
            yield record, pickle.load(self._labels)  # noqa: S301 written by `check`, in a file without a name

    def inspect(self, report: Report, tell: Callable[[int], None]) -> None:
        """Decode every image, as receiving it will, and report those that would be refused."""

        def refusal(record: Record) -> Fault | None:
            try:
                inspect_image((self.root / record.name).read_bytes(), record.name)
            except (Invalid, TooLarge) as refused:
                what = refused.message.removeprefix(f"{record.name}: ")
                return Fault("image", record.name, None, what, "Replace or remove the image.")
            return None

        records, count = self.records(), 0
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="inspect") as pool:
            while batch := list(islice(records, BATCH)):
                for fault in pool.map(refusal, batch):
                    if fault is not None:
                        report.add(fault)
                count += len(batch)
                tell(count)


@contextmanager
def look(
    path: Path, format_name: str, report: Report, tell: Callable[[Survey], None] = lambda _found: None
) -> Iterator[Look]:
    """Read everything at `path`. Raises `NotFound`, `Invalid` if there is nothing that can be read."""
    with TemporaryFile() as spool, TemporaryFile() as labels:

        def keep(records: Iterator[Record]) -> Iterator[Record]:
            for record in records:
                pickle.dump(record, spool, pickle.HIGHEST_PROTOCOL)
                yield record

        with open_source(path, format_name, report.add) as (name, source):
            found = survey(keep(read(name, source)), declared_classes(name, source), tell)
        if not found.images:
            raise Invalid(f"There is no image in {path} that could be imported." + _first(report))
        yield Look(name, place(path)[0], found, spool, labels)


def refuse_other_task(found: Survey, schema: LabelSchema) -> None:
    """Boxes have no place where classes are wanted, and the other way round."""
    task = found.task
    if task is None or task == schema.task or (task, schema.task) == ("classification", "multilabel"):
        return
    what = {"detection": "boxes", "multilabel": "several classes per image", "classification": "one class per image"}
    raise Invalid(f"This source has {what[task]}, and the dataset is for {schema.task}. Choose another dataset.")


def _first(report: Report) -> str:
    return f" {report.first[0].place}: {report.first[0].what}." if report.first else ""
