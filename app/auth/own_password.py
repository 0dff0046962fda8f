"""A password and its person: signing in with it, and changing it.

No answer says whether an address is known: unknown, deactivated and wrong look the same and take the same time. Every
attempt is throttled (`app/auth/throttle.py`), and every refused sign-in stands in the audit log.
"""

from sqlmodel import Session, select

from app.auth.actors import own
from app.auth.passwords import hash_password, verify_password
from app.auth.sessions import end_sessions, open_session
from app.auth.throttle import Attempt
from app.domain.permissions import Actor, Permission, PersonActor
from app.errors import Conflict, DomainError, Forbidden, Invalid, SignInFailed
from app.schemas.people import SignIn
from app.schemas.sessions import PasswordChange, SignedOut
from app.services import audit
from app.services.request_context import request_context
from app.tables import User


def sign_in(session: Session, request: SignIn, user_agent: str) -> tuple[str, PersonActor]:
    """Exchange e-mail and password for a new session; returns the cookie's value and who it is."""
    attempt = Attempt(request.email, request_context.get().ip_address)
    user = session.exec(select(User).where(User.email == request.email)).one_or_none()
    checked = user.password_hash if user else None
    if not verify_password(checked, request.password.get_secret_value()) or user is None:
        raise SignInFailed
    # While the hash was computed the password may have changed and the person may have been deactivated.
    session.refresh(user, with_for_update={"key_share": True})
    if user.password_hash != checked or not user.is_active:
        raise SignInFailed
    attempt.succeeded()
    return open_session(session, user, "password", user_agent)


def sign_in_refused(session: Session, email: str, error: DomainError) -> None:
    """Write that a sign-in with this address was refused, in a transaction of its own.

    Wrong passwords are written one by one, as the throttle lets few pass; what the throttle stops, once a minute.
    """
    failed = isinstance(error, SignInFailed)
    audit.refused(session, None, error, "session.sign_in", "e-mail address", email, each=failed)


def change_password(session: Session, actor: Actor, request: PasswordChange) -> SignedOut:
    """Another password for the actor, who proves the present one again. All their other sessions end."""
    person = own(actor, Permission.OWN_WRITE)
    if not person.credential.startswith("session:"):
        raise Forbidden("A password is changed by a person who has signed in, not by an API token.")
    attempt = Attempt(person.email, request_context.get().ip_address)
    user = session.get_one(User, person.user_id, with_for_update={"key_share": True}, populate_existing=True)
    if user.password_hash is None:
        raise Conflict("This account has no password: it signs in at the identity provider. Change the password there.")
    new = request.new_password.get_secret_value()
    if not verify_password(user.password_hash, request.current_password.get_secret_value()):
        raise Forbidden("The present password is wrong. Nothing was changed.", code="password-wrong")
    attempt.succeeded()
    if verify_password(user.password_hash, new):
        raise Invalid("The new password is the present one. Choose another.", field="new_password")
    user.password_hash = hash_password(new)
    session.add(user)
    ended = SignedOut(sessions=end_sessions(session, person.user_id, but=person.credential), api_tokens=0)
    audit.record(session, actor, "user.change_password", user, after={"sessions_ended": ended.sessions})
    return ended
