"""Who is signed in, as far as the browser needs to know to draw the frame."""

# ruff: noqa: RUF012 Reflex copies a default for every client

from urllib.parse import quote

import reflex as rx

from app.auth import actors
from app.domain.permissions import Permission, require
from app.errors import DomainError
from state.base import call, caller
from state.marks import public
from state.views.people import ROLE_NAMES
from state.views.usage import PLAN_NAMES


class SessionState(rx.State):
    """The person in the frame. `permissions` decides what is drawn, never what is allowed."""

    user_name: str = " "
    user_role: str = ""
    permissions: list[str] = []
    known: bool = False
    refusal: str = ""
    failure: str = ""
    _bound_to: tuple[str, ...] = ()

    @public
    async def load(self):
        """Fill the frame, or lead to the sign-in page."""
        self.failure = ""
        actor = caller.get()
        if actor is None:
            return rx.redirect(sign_in_page(self.router.url.path, self.router.url.query))
        person = await call(actors.show_me)
        plan = PLAN_NAMES[person.plan] if person.plan else ""
        role = ROLE_NAMES[person.role]
        self.user_name = person.name
        self.user_role = f"{role} · {plan}" if plan else role
        self.permissions = [str(name) for name in person.permissions]
        self.known = True
        try:
            require(actor, Permission.DATASETS_READ)
        except DomainError as error:
            self.refusal = error.message
            return None
        self.refusal = ""
        return None

    @public
    def report_failure(self) -> None:
        """Tell that a handler broke: a fault of ours, whose details stand in the server's log."""
        self.failure = "Something went wrong on the server. Nothing is half done; reload the page and try again."

    @public
    def dismiss_failure(self) -> None:
        """Close the message."""
        self.failure = ""


def sign_in_page(path: str, query: str = "") -> str:
    """Where to sign in and come back from."""
    if path in {"", "/", "/sign-in"}:
        return "/sign-in"
    return "/sign-in?next=" + quote(path + (f"?{query}" if query else ""), safe="")
