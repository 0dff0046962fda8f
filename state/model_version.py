"""One model version: what it is, what may happen to it next, and where it runs."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app import charts
from app.domain.permissions import Permission
from app.schemas.deployments import DeploymentCreate, VersionDeploymentFilter
from app.schemas.edge_servers import EdgeServerFilter
from app.schemas.model_versions import ModelVersionApprove, ModelVersionUpdate, ModelVersionView
from app.services import deployments, edge_servers, etags, model_versions, training_jobs
from state import views
from state.addresses import uuid_of
from state.base import Page
from state.marks import permission
from state.used_versions import used_version
from state.views.used_version import NO_USED, UsedRow

DEPLOYMENTS = 50
_READ, _WRITE = Permission.MODELS_READ, Permission.MODELS_WRITE
_DEPLOY = Permission.DEPLOYMENTS_WRITE


class ModelVersionState(Page, rx.State):
    """The version whose id stands in the address."""

    version: views.VersionRow = views.NO_VERSION
    details: views.VersionDetails = views.NO_DETAILS
    labels: list[str] = []
    matrix: list[list[int]] = []
    per_class: list[dict[str, Any]] = []
    job_name: str = ""
    base_name: str = ""
    used: UsedRow = NO_USED
    deployments: list[views.DeploymentLine] = []
    edges: list[views.Option] = []
    is_signing: bool = False
    payload: str = ""
    summary: str = ""
    is_deploying: bool = False
    busy: bool = False
    _tag: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The version from the beginning."""
        version_id = uuid_of(self.router.url.path)
        if version_id is None:
            self.problem, self.loading = "There is no such model version. Choose one from the list.", False
            return
        if self.version["id"] != str(version_id):
            self.version, self.details, self.loading, self.problem = views.NO_VERSION, views.NO_DETAILS, True, ""
            self.deployments, self.matrix, self.per_class = [], [], []
            self.is_signing = self.is_deploying = False
            self.job_name, self.base_name, self.used = "", "", NO_USED
            yield
        await self._refresh(version_id)
        await self._read_lineage()

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """Something changed: look again."""
        if self.version["id"]:
            await self._refresh(UUID(self.version["id"]))

    @permission(_WRITE)
    async def start_testing(self) -> None:
        """draft → testing."""
        await self._move("testing", "The version is under test now. An approver can sign it.")

    @permission(_WRITE)
    async def back_to_draft(self) -> None:
        """testing → draft."""
        await self._move("draft", "The version is a draft again.")

    @permission(Permission.MODELS_APPROVE)
    async def open_signing(self) -> None:
        """Get the bytes to sign and what they mean."""
        proposal = await self._do(model_versions.proposal, UUID(self.version["id"]))
        if proposal is not None:
            self.payload, self.summary = proposal.payload_base64, proposal.summary
            self.form_error, self.is_signing = "", True

    @permission(Permission.MODELS_APPROVE)
    def close_signing(self) -> None:
        """Nothing was signed."""
        self.is_signing, self.payload, self.summary = False, "", ""

    @permission(Permission.MODELS_APPROVE)
    def keep_signing(self, is_open: bool) -> None:
        """The dialog was closed by Escape or a click beside it."""
        if not is_open:
            self.is_signing, self.payload, self.summary = False, "", ""

    @permission(Permission.MODELS_APPROVE)
    async def approve(self, signed: dict[str, str]) -> Any:
        """Hand in the signature that the person's own browser made."""
        request = self._parse(
            ModelVersionApprove,
            {"payload_base64": self.payload, "keyid": signed.get("keyid"), "signature": signed.get("signature")},
        )
        if request is None:
            return
        self.busy = True
        yield
        done = await self._submit(model_versions.approve, UUID(self.version["id"]), request)
        self.busy = False
        if done is not None:
            self._show(done)
            self.is_signing, self.payload, self.summary = False, "", ""
            self._tell("Approved with your signature. It can be released now.")

    @permission(Permission.MODELS_RELEASE)
    async def release(self) -> None:
        """approved → released."""
        done = await self._do(model_versions.release, UUID(self.version["id"]))
        if done is not None:
            self._show(done)
            self._tell("Released. It can be deployed to edge servers now.")

    @permission(_WRITE)
    async def deprecate(self) -> None:
        """→ deprecated."""
        done = await self._do(model_versions.deprecate, UUID(self.version["id"]))
        if done is not None:
            self._show(done)
            self._tell("Deprecated. It will not be deployed any more.")

    @permission(_DEPLOY)
    async def set_deploying(self, is_open: bool) -> None:
        """Open the form with the edge servers that may have this version, or close it."""
        self.form_error, self.is_deploying = "", bool(is_open)
        if not self.is_deploying:
            return
        page = await self._submit(edge_servers.list_edge_servers, EdgeServerFilter(sort="name"), None, 200)
        self.edges = (
            [views.edge_option(item, self.version) for item in page.items if item.revoked_at is None] if page else []
        )

    @permission(_DEPLOY)
    async def deploy(self, form: dict[str, Any]) -> None:
        """Order this version onto one edge server. An earlier version than the present one is a rollback."""
        request = self._parse(DeploymentCreate, {"edge_server_id": form.get("edge_server_id") or None})
        rollout = await self._submit(deployments.deploy, UUID(self.version["id"]), request) if request else None
        if rollout is not None:
            self.is_deploying = False
            word = "Rollback" if rollout.kind == "rollback" else "Deployment"
            self._tell(f"{word} ordered. The edge server takes it with its next heartbeat.")
            await self._refresh(UUID(self.version["id"]))

    @permission(_DEPLOY)
    async def deploy_all(self) -> None:
        """Order this version onto every enrolled edge server that does not run it yet."""
        rollout = await self._do(deployments.deploy_all, UUID(self.version["id"]))
        if rollout is not None:
            self._tell(f"Ordered onto {rollout.target_count} edge servers.")
            await self._refresh(UUID(self.version["id"]))

    @permission(_DEPLOY)
    async def retry(self, deployment_id: str) -> None:
        """Order a failed deployment again."""
        if any(row["id"] == deployment_id for row in self.deployments):
            done = await self._do(deployments.retry, UUID(deployment_id))
            if done is not None:
                self._tell("Ordered again. The edge server takes it with its next heartbeat.")
            await self._refresh(UUID(self.version["id"]))

    async def _move(self, status: str, message: str) -> None:
        request = self._parse(ModelVersionUpdate, {"status": status})
        if request is None:
            return
        version_id = UUID(self.version["id"])
        done = await self._do(model_versions.update, version_id, request, frozenset({self._tag}))
        if done is not None:
            self._show(done)
            self._tell(message)
        else:
            await self._refresh(version_id)

    async def _refresh(self, version_id: UUID) -> None:
        found = await self._load(model_versions.get, version_id)
        if found is None:
            return
        self._show(found)
        page = await self._do(deployments.of_version, version_id, VersionDeploymentFilter(), None, DEPLOYMENTS)
        self.deployments = [views.deployment_line(row) for row in page.items] if page else []
        self.loading = False

    async def _read_lineage(self) -> None:
        """The job, the dataset and the base version that this version came from."""
        if self.details["job_id"]:
            job = await self._do(training_jobs.get, UUID(self.details["job_id"]))
            if job is not None:
                self.job_name = job.name
                self.used = await used_version(job.dataset_id, job.dataset_version_id)
        if self.details["base_id"]:
            base = await self._do(model_versions.get, UUID(self.details["base_id"]))
            self.base_name = f"{base.ai_module} {base.version}" if base else ""

    def _show(self, found: ModelVersionView) -> None:
        self.version, self.details, self._tag = (
            views.version_row(found),
            views.version_details(found),
            etags.etag(found),
        )
        self.labels = [str(label) for label in found.metrics.get("labels", [])]
        self.matrix = found.metrics.get("confusion_matrix", [])
        self.per_class = [dict(bar) for bar in charts.per_class_bars(found.metrics.get("per_class", {}))]
