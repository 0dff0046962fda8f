"""One edge server: how it is, what it has really loaded, and what was ordered for it."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.domain.permissions import Permission
from app.errors import DomainError
from app.schemas.deployments import DeploymentFilter
from app.schemas.edge_servers import LoadedModel
from app.services import deployments, edge_servers, model_versions
from state import views
from state.addresses import number_of
from state.base import Page, call
from state.edge_servers import enrolment_command
from state.marks import permission

DEPLOYMENTS = 30
_READ, _WRITE = Permission.EDGE_SERVERS_READ, Permission.EDGE_SERVERS_WRITE


class EdgeServerState(Page, rx.State):
    """The edge server whose number stands in the address."""

    edge: views.EdgeRow = views.NO_EDGE
    loaded: list[views.LoadedRow] = []
    deployments: list[views.DeploymentLine] = []
    command: str = ""
    command_expires: str = ""

    @permission(_READ)
    async def load(self) -> Any:
        """The edge server from the beginning."""
        edge_id = number_of(self.router.url.path)
        if edge_id is None:
            self.problem, self.loading = "There is no such edge server. Choose one from the list.", False
            return
        if self.edge["id"] != str(edge_id):
            self.edge, self.loaded, self.deployments = views.NO_EDGE, [], []
            self.loading, self.problem = True, ""
            self.command = self.command_expires = ""
            yield
        await self._refresh(edge_id)

    @permission(_READ)
    async def on_live(self, _topic: str, _data: dict[str, Any]) -> None:
        """Something changed: look again."""
        if self.edge["id"]:
            await self._refresh(int(self.edge["id"]))

    @permission(_WRITE)
    async def renew_token(self) -> None:
        """A new one-time command; the node's present key stops working."""
        token = await self._do(edge_servers.renew_token, int(self.edge["id"] or 0))
        if token is not None:
            self.command, self.command_expires = enrolment_command(token.token), views.iso(token.expires_at)
            await self._refresh(int(self.edge["id"]))

    @permission(_WRITE)
    def forget_command(self, is_open: bool) -> None:
        """The command was seen; it is not shown again."""
        if not is_open:
            self.command = self.command_expires = ""

    @permission(_WRITE)
    async def revoke(self) -> None:
        """Stop accepting the node's key."""
        done = await self._do(edge_servers.revoke, int(self.edge["id"] or 0))
        if done is not None:
            self.edge = views.edge_row(done)
            self._tell("Revoked. The node goes on serving what it has and gets nothing more.")

    @permission(Permission.DEPLOYMENTS_WRITE)
    async def retry(self, deployment_id: str) -> None:
        """Order a failed deployment again."""
        known = next((row for row in self.deployments if row["id"] == deployment_id), None)
        if known is not None:
            done = await self._do(deployments.retry, UUID(known["id"]))
            if done is not None:
                self._tell("Ordered again. The edge server takes it with its next heartbeat.")
            await self._refresh(int(self.edge["id"]))

    async def _refresh(self, edge_id: int) -> None:
        found = await self._load(edge_servers.get, edge_id)
        if found is None:
            return
        self.edge = views.edge_row(found)
        page = await self._do(deployments.list_deployments, DeploymentFilter(edge_server_id=edge_id), None, DEPLOYMENTS)
        self.deployments = [views.deployment_line(row) for row in page.items] if page else []
        self.loaded = [await self._compared(model) for model in found.loaded[:64]]
        self.loading = False

    async def _compared(self, model: LoadedModel) -> views.LoadedRow:
        """The digest that the edge reports beside the one that was released under the same id."""
        try:
            version = await call(model_versions.get, model.model_version_id)
        except DomainError:
            return views.loaded_row(model, None)
        return views.loaded_row(model, version.bundle_sha256)
