"""What the queue runs: one training job, from its row to a draft model version.

The queue carries the id and the attempt; the truth is read again from Postgres. No transaction is open while files move
or the model trains. A raised error ends the job with a reason (`worker.explain_failure`).
"""

import json
import logging
import shutil
from pathlib import Path
from uuid import UUID, uuid4

from app.domain.hyperparameters import Hyperparameters
from app.errors import Conflict
from app.infra import tracing
from app.infra.db import forget_engine, transaction
from app.infra.object_store import ObjectStore, get_object_store
from app.infra.queue import trace_of_job
from app.logs import working_on
from app.schemas.model_versions import TrainedModel
from app.services import job_datasets, job_runs
from app.services.job_datasets import FrozenSample
from app.services.job_runs import AttemptOver, RunTicket
from app.settings import get_settings
from app.tables import DatasetVersion
from workers import dataset_cache
from workers.reporting import WORKER, JobReporter, patiently
from workers.training.spec import TrainingResult, TrainingSpec

log = logging.getLogger(__name__)

CANCELLED, COMPLETED, OVER = "cancelled", "completed", "attempt over"


def train(job_id: str, attempt: int) -> str:
    """Run one attempt; returns what became of it, for the worker's log."""
    forget_engine()
    tracing.start("worker")
    about: dict[str, str | int] = {"trainyard.job_id": job_id, "trainyard.attempt": attempt}
    try:
        with (
            working_on(job_id=job_id, attempt=str(attempt)),
            tracing.span("train", "consumer", link=trace_of_job(), attributes=about),
        ):
            return _train(job_id, attempt)
    finally:
        tracing.flush()  # a fork ends without exit handlers


def _train(job_id: str, attempt: int) -> str:
    try:
        ticket = patiently(lambda: _begin(UUID(job_id), attempt))
    except AttemptOver as error:
        log.info("%s", error)
        return OVER
    return _Run(ticket).run()


def _begin(job_id: UUID, attempt: int) -> RunTicket:
    with transaction() as session:
        return job_runs.begin(session, WORKER, job_id, attempt)


class _Run:
    """One attempt under way. Its folder outlives a killed worker, so that the next attempt resumes from it."""

    def __init__(self, ticket: RunTicket) -> None:
        self.ticket = ticket
        self.store: ObjectStore = get_object_store()
        self.data_dir = get_settings().data_dir.resolve()
        self.folder = self.data_dir / "runs" / str(ticket.job_id)

    def run(self) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        with JobReporter(self.ticket.job_id, self.ticket.attempt) as reporter:
            spec = self._prepare(reporter)
            from workers.training.run import train as fit  # preloaded by the worker; heavy for anyone else

            result = fit(spec, reporter)
            if not result.cancelled:
                reporter.log("packing the bundle")
        if reporter.attempt_over:
            return OVER
        outcome = self._record_cancel() if result.cancelled else self._deliver(spec, result)
        shutil.rmtree(self.folder, ignore_errors=True)
        return outcome

    def _prepare(self, reporter: JobReporter) -> TrainingSpec:
        ticket = self.ticket
        version, frozen = patiently(self._freeze)
        reporter.log(f"dataset version {version.version} of {len(frozen)} samples; fetching what is not cached")
        samples = dataset_cache.fetch(frozen, self.store, self.data_dir / "cache" / "samples")
        present = {sample.label for sample in samples}
        labels = tuple(c["name"] for c in version.label_schema["classes"] if c["name"] in present)
        return TrainingSpec(
            job_id=str(ticket.job_id),
            ai_module=ticket.ai_module,
            seed=ticket.seed,
            hyperparameters=Hyperparameters.from_mapping(ticket.hyperparameters),
            labels=labels,
            samples=samples,
            work_dir=self.folder,
            base_checkpoint=self._fetch_base(),
            resume=ticket.attempt > 1,
        )

    def _freeze(self) -> tuple[DatasetVersion, list[FrozenSample]]:
        """The version this job trains on: frozen at its first attempt, read back at every later one."""
        with transaction() as session:
            version = job_datasets.freeze(session, WORKER, self.ticket)
        if version.manifest_url is not None:
            path = self.folder / "manifest.jsonl"
            self.store.get_to_file(self.store.key(version.manifest_url), path)
            return version, dataset_cache.read_manifest(path, version.sha256)
        with transaction() as session:
            return version, job_datasets.frozen_samples(session, WORKER, version)

    def _fetch_base(self) -> Path | None:
        if self.ticket.base_checkpoint_url is None:
            return None
        path = self.folder / "base.ckpt"
        patiently(lambda: self.store.get_to_file(self.store.key(self.ticket.base_checkpoint_url or ""), path))
        return path

    def _record_cancel(self) -> str:
        def record() -> None:
            with transaction() as session:
                job_runs.cancelled(session, WORKER, self.ticket.job_id, self.ticket.attempt)

        patiently(record)
        return CANCELLED

    def _deliver(self, spec: TrainingSpec, result: TrainingResult) -> str:
        while True:
            trained = self._upload(spec, result)
            try:
                patiently(lambda trained=trained: self._complete(trained))  # type: ignore[misc]
            except AttemptOver:
                return OVER
            except Conflict as error:
                if error.problem_code != "version-taken":
                    raise
                log.info("%s; packing again under the next version", error)
                continue
            return COMPLETED

    def _upload(self, spec: TrainingSpec, result: TrainingResult) -> TrainedModel:
        """Pack the bundle under the next free version and put it, its contract and its checkpoint into the store."""
        from workers.training.bundle import build_bundle
        from workers.training.card import model_card

        assert result.bundle_inputs is not None
        assert result.checkpoint_path is not None
        version, version_id = patiently(self._reserve_version), uuid4()
        card = model_card(spec, result)
        bundle = build_bundle(
            result,
            ai_module=spec.ai_module,
            version=version,
            model_version_id=str(version_id),
            out=self.folder / "bundle.tar",
            card=card,
        )
        prefix = f"models/{spec.ai_module}/{version_id}"
        contract = json.dumps(result.bundle_inputs.contract).encode()
        split = {name: value for name, value in result.split.items() if name != "split_path"}
        split_path = Path(str(result.split["split_path"]))

        def put() -> None:
            self.store.put_file(f"{prefix}/bundle.tar", bundle.path, "application/x-tar")
            self.store.put_bytes(f"{prefix}/contract.json", contract, "application/json")
            self.store.put_file(f"{prefix}/best.ckpt", Path(str(result.checkpoint_path)))
            self.store.put_file(f"jobs/{spec.job_id}/split.jsonl", split_path, "application/jsonl")

        patiently(put)
        return TrainedModel(
            model_version_id=version_id,
            version=version,
            bundle_key=f"{prefix}/bundle.tar",
            bundle_sha256=bundle.sha256,
            bundle_length=bundle.length,
            contract_key=f"{prefix}/contract.json",
            checkpoint_key=f"{prefix}/best.ckpt",
            metrics=result.metrics,
            inference_time_ms=result.inference_time_ms,
            split={**split, "file_url": self.store.url(f"jobs/{spec.job_id}/split.jsonl")},
        )

    def _reserve_version(self) -> str:
        with transaction() as session:
            return job_runs.reserve_version(session, WORKER, self.ticket)

    def _complete(self, trained: TrainedModel) -> None:
        with transaction() as session:
            job_runs.complete(session, WORKER, self.ticket, trained, self.store.url(""))
