"""One's own account: who one is, where one is signed in, one's API tokens, and one's password.

For everybody who can sign in. The secret of a new token is in a variable only while its dialog is open.
"""

# ruff: noqa: RUF012 Reflex copies a default for every client

from typing import Any
from uuid import UUID

import reflex as rx

from app.auth import actors, own_password, sessions, tokens
from app.domain.permissions import Permission
from app.schemas.people import ApiTokenCreate
from app.schemas.sessions import PasswordChange, SignOutEverywhere
from app.tables.base import utcnow
from state.addresses import uuid_of
from state.base import Page
from state.marks import permission
from state.views.people import NOBODY, OwnRow, SessionRow, TokenRow, own_row, session_row, token_row

FORMS = ("token", "password", "leave")
_READ, _WRITE = Permission.OWN_READ, Permission.OWN_WRITE


class AccountState(Page, rx.State):
    """The account of whoever is signed in. `form` names the dialog that is open."""

    person: OwnRow = NOBODY
    sessions: list[SessionRow] = []
    tokens: list[TokenRow] = []
    form: str = ""
    secret: str = ""
    made_name: str = ""

    @permission(_READ)
    async def load(self) -> None:
        """Everything anew. A dialog stays: after a lost connection this runs again, and the page is shown before it."""
        self.form_error = self.secret = ""
        me = await self._load(actors.show_me)
        if me is not None:
            self.person = own_row(me)
            await self._refresh()

    @permission(_READ)
    def open_form(self, form: str) -> None:
        """Open a dialog."""
        self.form_error, self.form = "", form if form in FORMS else ""

    @permission(_READ)
    def close_form(self, is_open: bool) -> None:
        """Close the dialog."""
        if not is_open:
            self.form_error = self.form = ""

    @permission(_READ)
    def forget_secret(self, is_open: bool) -> None:
        """The secret was seen; it is not shown again."""
        if not is_open:
            self.secret = self.made_name = ""

    @permission(_WRITE)
    async def create_token(self, form: dict[str, Any]) -> None:
        """Make a token and show its secret."""
        given = {name: str(form.get(name, "")).strip() for name in ("name", "scope", "days")}
        request = self._parse(ApiTokenCreate, given)
        made = await self._submit(tokens.create_token, request) if request else None
        if made is not None:
            self.form, self.secret, self.made_name = "", made.token, made.api_token.name
            await self._refresh()

    @permission(_WRITE)
    async def revoke_token(self, token_id: str) -> None:
        """Make a token useless."""
        done = await self._do(tokens.revoke_token, _known(token_id))
        if done is not None:
            self._tell(f"{done.name} is revoked. Whatever uses it is refused from now on.")
            await self._refresh()

    @permission(_WRITE)
    async def revoke_session(self, session_id: str) -> None:
        """Sign another device out."""
        done = await self._do(sessions.revoke_session, _known(session_id))
        if done is not None:
            self._tell(f"{done.device} is signed out.")
            await self._refresh()

    @permission(_WRITE)
    async def sign_out_everywhere(self, form: dict[str, Any]) -> Any:
        """End every session, this one too, and all tokens if that was ticked."""
        request = SignOutEverywhere(api_tokens="api_tokens" in form)
        if await self._submit(sessions.sign_out_everywhere, request) is None:
            return None
        self.form = ""
        return rx.redirect("/sign-in")

    @permission(_WRITE)
    async def change_password(self, form: dict[str, Any]) -> None:
        """Another password, if the present one is right and the new one was typed the same way twice."""
        texts = {name: str(form.get(name, "")) for name in ("current_password", "new_password", "repeated_password")}
        if texts.pop("repeated_password") != texts["new_password"]:
            self.form_error = "The two new passwords differ. Type the new one the same way twice."
            return
        request = self._parse(PasswordChange, texts)
        done = await self._submit(own_password.change_password, request) if request else None
        if done is not None:
            self.form = ""
            others = {0: "", 1: " One other device was signed out."}.get(
                done.sessions, f" {done.sessions} other devices were signed out."
            )
            self._tell("Your password is changed." + others)
            await self._refresh()

    async def _refresh(self) -> None:
        found, made = await self._load(sessions.list_sessions), await self._load(tokens.list_tokens)
        now = utcnow()
        self.sessions = [session_row(item) for item in found or []]
        self.tokens = [token_row(item, now) for item in made or []]
        self.loading = False


def _known(text: str) -> UUID:
    """An id that a page sent. What is none is the id of nothing, and answered as such."""
    return uuid_of(str(text)) or UUID(int=0)
