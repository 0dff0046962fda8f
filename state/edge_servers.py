"""Edge servers: the map, the list, and the form that makes one with its one-time command."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any

import reflex as rx
from pydantic import ValidationError

from app.domain.permissions import Permission, permissions_of
from app.schemas.edge_servers import EdgeServerCreate, EdgeServerFilter
from app.schemas.people import OrganizationFilter
from app.services import edge_servers, organizations
from app.settings import get_settings
from state import views
from state.addresses import NEWEST
from state.base import Page, caller, in_words, sortable
from state.marks import permission

PAGE = 100
_READ, _WRITE = Permission.EDGE_SERVERS_READ, Permission.EDGE_SERVERS_WRITE


def enrolment_command(token: str) -> str:
    """What a person runs on the edge box. The token works once."""
    return f"TRAINYARD_EDGE_TOKEN={token} trainyard-edge run --cloud {get_settings().base_url}"


class EdgeServersState(sortable(_READ, "/edge-servers"), rx.State):
    """One page of edge servers, for the map and for the table."""

    rows: list[views.EdgeRow] = []
    sites: list[views.Site] = []
    selected: str = ""
    healthy: int = 0
    attention: int = 0

    @permission(_READ)
    async def load(self) -> None:
        """The first page, in the order that the address says."""
        self.sort = self.router.url.query_parameters.get("sort") or NEWEST
        self._first_page()
        await self._refresh()

    @permission(_READ)
    def select(self, site_id: str) -> None:
        """Mark a site on the map and in the table."""
        self.selected = "" if self.selected == site_id else str(site_id)[:20]

    async def _refresh(self) -> None:
        try:
            wanted = EdgeServerFilter.model_validate({"sort": self.sort})
        except ValidationError as error:
            self.problem = in_words(error)
            return
        page = await self._load(edge_servers.list_edge_servers, wanted, self._cursor(), PAGE)
        if page is None:
            return
        self.rows = [views.edge_row(item) for item in page.items]
        self.sites = [views.site(item) for item in page.items]
        self.healthy = sum(row["health"] == "ok" for row in self.rows)
        self.attention = sum(row["health"] in {"late", "offline"} for row in self.rows)
        self._shown(page, "edge server", "edge servers")


class NewEdgeServerState(Page, rx.State):
    """The form of a new edge server. The one-time token is shown once and then forgotten here too."""

    is_open: bool = False
    organizations: list[views.Option] = []
    command: str = ""
    made_name: str = ""
    expires_at: str = ""

    @permission(_WRITE)
    async def set_open(self, is_open: bool) -> None:
        """Open the form, or close it and forget the command."""
        self.form_error = self.command = self.made_name = self.expires_at = ""
        self.is_open = bool(is_open)
        if self.is_open and Permission.ORGANIZATIONS_READ in permissions_of(caller.get()):
            page = await self._submit(organizations.list_organizations, OrganizationFilter(sort="name"), None, 200)
            found = page.items if page else []
            self.organizations = [{"value": str(item.id), "label": item.name} for item in found]

    @permission(_WRITE)
    async def submit(self, form: dict[str, Any]) -> Any:
        """Make the edge server and show its command."""
        texts = {str(name): str(value).strip() for name, value in form.items()}
        request = self._parse(
            EdgeServerCreate,
            {
                "name": texts.get("name", ""),
                "site": texts.get("site", ""),
                "latitude": texts.get("latitude") or None,
                "longitude": texts.get("longitude") or None,
                "organization_id": texts.get("organization_id") or None,
            },
        )
        made = await self._submit(edge_servers.create, request) if request else None
        if made is None:
            return None
        self.made_name = made.edge_server.name
        self.command, self.expires_at = enrolment_command(made.enrolment.token), views.iso(made.enrolment.expires_at)
        return EdgeServersState.load
