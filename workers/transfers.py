"""What the queue of transfers runs: one attempt at one import from an archive, or one export to one.

The process: `python -m workers.transfers`; each attempt runs in a fork of it. The queue carries the id; the truth is
read again from Postgres. A thread says every few seconds how far the attempt is, and learns whether it still counts; no
transaction is open while files move. A fork that is killed is followed by the next attempt, which skips what is in.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import psutil
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import OperationalError

from app.domain.labels import LabelSchema
from app.domain.permissions import SystemActor
from app.errors import DomainError, Invalid, NotFound, TooLarge, Unavailable
from app.exchange.archives import Limits, pack, unpack
from app.exchange.exporting import export, of_dataset
from app.exchange.importing import Importer
from app.exchange.looking import Look, look
from app.exchange.report import Report
from app.exchange.surveying import missing_classes, with_classes
from app.exchange.widening import widening
from app.infra.db import forget_engine, transaction
from app.infra.object_store import get_object_store
from app.infra.queue import TRANSFER_QUEUE, get_redis, queue
from app.logs import configure_logging, working_on
from app.services import imported_samples, transfer_attempts, versions
from app.services.transfer_attempts import Outcome, Work
from app.settings import get_settings
from app.tables.base import utcnow
from workers.reporting import patiently

log = logging.getLogger(__name__)

PORTER = SystemActor("transfers")
REPORT_SECONDS = 2.0
MAX_FILES = 200_000


class _Over(Exception):
    """The attempt counts no more: it was cancelled, or another one began."""


def transfer(transfer_id: str) -> str:
    """Make one attempt if one is due; returns what became of it, for the log."""
    with working_on(transfer_id=transfer_id):
        with transaction() as session:
            work = transfer_attempts.begin(session, PORTER, UUID(transfer_id), utcnow())
        if work is None:
            return "nothing to do now"
        outcome = _outcome(work)
        if outcome is None:
            return "attempt over"

        def record() -> str:
            with transaction() as session:
                status = transfer_attempts.conclude(session, PORTER, work, outcome, utcnow())
            return status or "attempt over"

        status = patiently(record)
        log.info("%s %s, attempt %d: %s", work.kind, transfer_id, work.attempt, outcome.error or status)
        return status


def _outcome(work: Work) -> Outcome | None:
    """What the attempt made. A store or database that is away is waited for by the next attempt, not here."""
    with _folder() as folder, _Progress(work) as progress:
        try:
            return {"import": _import, "export": _export}[work.kind](work, folder, progress)
        except _Over:
            return None
        except Unavailable:
            raise  # the lease runs out, and the next attempt begins
        except DomainError as refused:
            return Outcome(progress.found, refused.message)
        except OSError as error:
            return Outcome(progress.found, f"The worker's disk refused: {error.strerror}. Free some room.")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder of the attempt's own; its name holds the process, so that what a killed one left behind is removed."""
    base = get_settings().data_dir / "transfers"
    base.mkdir(parents=True, exist_ok=True)
    for left in base.iterdir():
        owner = left.name.partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(mkdtemp(prefix=f"{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Progress:
    """How far an attempt is; a thread writes it down. `alive` raises `_Over` once the attempt counts no more."""

    def __init__(self, work: Work) -> None:
        self._work, self._over, self._done = work, threading.Event(), threading.Event()
        self.count, self.total = 0, None
        self.found: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    total: int | None

    def __enter__(self) -> "_Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def alive(self) -> None:
        """Raise if there is no use in going on."""
        if self._over.is_set():
            raise _Over

    def tell(self, count: int, found: dict[str, Any]) -> None:
        """Note how far it is, and go on if there is use."""
        self.count, self.found = count, {**self.found, **found}
        self.alive()

    def _report(self) -> None:
        while not self._done.wait(REPORT_SECONDS):
            try:
                with transaction() as session:
                    values = (self.count, self.total, dict(self.found), utcnow())
                    if not transfer_attempts.report(session, PORTER, self._work, *values):
                        self._over.set()
                        return
            except (Unavailable, OperationalError) as error:
                log.warning("progress was not written: %s", error)


class _AsPerson:
    """Runs services as the person who asked, as they are at that moment."""

    def __init__(self, work: Work) -> None:
        self._person = work.person

    def __call__(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with transaction() as session:
            person = transfer_attempts.may_go_on(session, PORTER, self._person)
            return service(session, person, *args, **kwargs)


def _import(work: Work, folder: Path, progress: _Progress) -> Outcome:
    store, options, archive = get_object_store(), work.options, folder / "archive"
    limit = get_settings().archive_max_bytes
    try:
        size = store.stat(options["upload_key"]).size
    except NotFound:
        raise Invalid("The archive is gone: what is uploaded is kept for a day. Upload it again.") from None
    if size > limit:
        raise TooLarge(f"The archive has {size:,} bytes, more than the {limit:,} allowed. Split it.")
    store.get_to_file(options["upload_key"], archive)
    limits = Limits(MAX_FILES, get_settings().archive_max_unpacked_bytes)
    with Report(folder / "faults.jsonl") as report:
        root = unpack(archive, folder / "in", limits, report.add, progress.alive)
        archive.unlink()
        with look(root, work.format, report, lambda s: progress.tell(s.images, {"survey": s.as_dict()})) as found:
            _take_in(work, found, report, progress)
    faults = _keep(work, folder / "faults.jsonl", "faults.jsonl") if report.count else None
    if not options["dry_run"]:
        store.delete(options["upload_key"])
    return Outcome({**progress.found, **report.as_dict()}, faults_url=faults)


def _take_in(work: Work, found: Look, report: Report, progress: _Progress) -> None:
    """Check everything; then, if it is no dry run, bring it in."""
    survey, run, schema = found.found, _AsPerson(work), work.label_schema
    lacking = [spec.name for spec in missing_classes(schema, survey.specs(), survey.classes)]
    progress.total = survey.images
    progress.tell(0, {"format": found.format_name, "survey": survey.as_dict(), "lacking": lacking})
    wide = with_classes(schema, survey.specs(), survey.classes)
    progress.tell(0, {"schema_change": _schema_change(run, work, wide)})
    if work.options["add_classes"]:
        schema = wide
    found.check(LabelSchema.of(schema), report)
    if work.options["dry_run"]:
        found.inspect(report, lambda count: progress.tell(count, {}))
        return
    if schema != work.label_schema:
        run(imported_samples.extend_schema, work.dataset_id, schema)
    importer = Importer(run, get_object_store(), work.dataset_id, found.root, report)
    importer.go(found.fitted(), lambda c: progress.tell(c.images, {"counts": c.as_dict()}))


def _schema_change(run: _AsPerson, work: Work, wide: dict[str, Any]) -> dict[str, Any]:
    """What adding what the dataset lacks would change, for the report; {} if it lacks nothing."""
    change = widening(run, work.dataset_id, work.label_schema, wide, wanted=work.options["add_classes"])
    if change is None:
        return {}
    if change.refused:
        return {"refused": change.refused}
    return {"lines": change.lines, "labels_changed": change.labels_changed}


def _export(work: Work, folder: Path, progress: _Progress) -> Outcome:
    store = get_object_store()
    images = store if work.options["images"] else None
    run, version = _AsPerson(work), work.options.get("version")
    pages = of_dataset(run, work.dataset_id, version)
    schema = run(versions.get, work.dataset_id, version).label_schema if version else work.label_schema
    out = folder / "out"
    out.mkdir()
    done = export(pages, schema, work.format, out, images, lambda d: progress.tell(d.images, {"counts": _counts(d)}))
    pack(out, folder / "export.zip", progress.alive)
    shutil.rmtree(out)
    url = _keep(work, folder / "export.zip", "export.zip")
    lost = [asdict(loss) for loss in done.losses]
    return Outcome({"counts": _counts(done), "losses": lost}, archive_url=url)


def _counts(done: Any) -> dict[str, int]:
    return {"images": done.images, "labelled": done.labelled, "boxes": done.boxes}


def _keep(work: Work, file: Path, name: str) -> str:
    store = get_object_store()
    key = f"transfers/{work.dataset_id}/{work.transfer_id}/{name}"
    store.put_file(key, file)
    return store.url(key)


def main() -> None:
    """Work until told to stop; SIGTERM lets the attempt under way finish."""
    configure_logging("transfers")
    forget_engine()
    worker = Worker([queue(TRANSFER_QUEUE)], connection=get_redis(), serializer=JSONSerializer)
    log.info("waiting for imports and exports")
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
