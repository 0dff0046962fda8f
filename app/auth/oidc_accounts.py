"""From somebody whom the provider vouches for to a person of ours with a session.

The provider decides at every sign-in: role and organization follow its claims (`app/domain/role_rules.py`). Whom no
rule fits is refused, and loses what sessions and API tokens they still have. People are known by issuer and subject; an
address links to an account that exists only where the provider has verified it, and never to two subjects of one
issuer, because addresses are given to somebody else in time.
"""

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.auth.oidc import SignInRefused, Verified
from app.auth.sessions import open_session
from app.domain.permissions import PersonActor, SystemActor
from app.domain.role_rules import RoleRule, first_fitting
from app.errors import Conflict, DomainError, PreconditionFailed
from app.schemas.base import storable
from app.schemas.people import Email, UserUpdate, UserView
from app.services import audit, etags, users
from app.settings import get_settings
from app.tables import Organization, User, UserIdentity

_ADDRESS: TypeAdapter[str] = TypeAdapter(Email)
ACTOR = SystemActor("identity provider")
UNMAPPED, NO_ORGANIZATION, DEACTIVATED = "oidc-unmapped", "oidc-organization", "oidc-deactivated"
EMAIL, LAST_ADMIN, AGAIN = "oidc-email", "oidc-last-admin", "oidc-again"
# After these nobody of that identity stays signed in.
ENDS_CREDENTIALS = (UNMAPPED, NO_ORGANIZATION, LAST_ADMIN)


def admit(session: Session, who: Verified, user_agent: str) -> tuple[str, PersonActor]:
    """A new session for `who`: the cookie's value and the person. Raises `SignInRefused`."""
    rule = first_fitting(get_settings().oidc_rules, who.claims)
    if rule is None:
        raise SignInRefused("No rule in TRAINYARD_OIDC_ROLES fits what the provider says of them.", code=UNMAPPED)
    organization_id = _organization_id(session, rule)
    try:
        user = _known(session, who) or _linked(session, who) or _created(session, who, rule, organization_id)
    except IntegrityError as error:
        raise SignInRefused("The same person signs in twice for the first time.", code=AGAIN) from error
    _follow(session, user, rule, organization_id)
    session.refresh(user, with_for_update={"key_share": True})
    _refuse_deactivated(user)
    return open_session(session, user, "oidc", user_agent)


def refuse(session: Session, who: Verified | None, error: DomainError) -> None:
    """Write that a sign-in was refused, in a transaction of its own, and end what the person may no longer have.

    Everybody can open the callback's address, so what nobody vouches for is written once a minute for each address.
    """
    subject = f"{who.issuer} {who.subject}" if who else "unknown"
    audit.refused(session, None, error, "session.sign_in", "identity", subject, each=who is not None)
    if who is None or error.problem_code not in ENDS_CREDENTIALS:
        return
    user = _known(session, who)
    if user is not None and user.id is not None:
        after = {"code": error.problem_code, **users.end_credentials(session, user.id)}
        audit.record(session, ACTOR, "user.end_credentials", user, after=after)


def _organization_id(session: Session, rule: RoleRule) -> int | None:
    if rule.organization is None:
        return None
    found = session.exec(select(Organization.id).where(Organization.name == rule.organization)).one_or_none()
    if found is None:
        raise SignInRefused(
            f"TRAINYARD_OIDC_ROLES names the organization {rule.organization!r}, which does not exist. "
            "A super admin can create it.",
            code=NO_ORGANIZATION,
        )
    return found


def _known(session: Session, who: Verified) -> User | None:
    query = select(User).join(UserIdentity, col(UserIdentity.user_id) == User.id)
    return session.exec(
        query.where(UserIdentity.issuer == who.issuer, UserIdentity.subject == who.subject)
    ).one_or_none()


def _linked(session: Session, who: Verified) -> User | None:
    """The account with the address of `who`, from now on theirs; None if the address is new here."""
    user = session.exec(select(User).where(User.email == _email(who))).one_or_none()
    if user is None:
        return None
    _refuse_deactivated(user)
    if who.claims.get("email_verified") is not True:
        raise SignInRefused(
            "An account with this address exists, and the provider has not verified that it is theirs.", code=EMAIL
        )
    same = select(UserIdentity.id).where(UserIdentity.user_id == user.id, UserIdentity.issuer == who.issuer)
    if session.exec(same).first() is not None:
        raise SignInRefused("The account with this address belongs to somebody else at the provider.", code=EMAIL)
    _link(session, user, who)
    return user


def _created(session: Session, who: Verified, rule: RoleRule, organization_id: int | None) -> User:
    email = _email(who)
    if who.claims.get("email_verified") in (False, "false"):
        raise SignInRefused("The provider says that nobody has shown this address to be theirs.", code=EMAIL)
    user = User(email=email, name=_name(who) or email, role=rule.role, organization_id=organization_id)
    session.add(user)
    session.flush()
    audit.record(session, ACTOR, "user.create", user, after={"email": email, "role": user.role})
    _link(session, user, who)
    return user


def _link(session: Session, user: User, who: Verified) -> None:
    assert user.id is not None
    row = UserIdentity(user_id=user.id, issuer=who.issuer, subject=who.subject)
    session.add(row)
    session.flush()
    after = {"user_id": user.id, "issuer": who.issuer, "subject": who.subject}
    audit.record(session, ACTOR, "identity.link", row, after=after, organization_id=user.organization_id)


def _name(who: Verified) -> str:
    name = who.claims.get("name")
    return "".join(filter(str.isprintable, storable(name))).strip()[:200] if isinstance(name, str) else ""


def _email(who: Verified) -> str:
    given = who.claims.get("email")
    try:
        return _ADDRESS.validate_python(storable(given) if isinstance(given, str) else given)
    except ValidationError as error:
        raise SignInRefused(
            "The provider gives no e-mail address. Is email among TRAINYARD_OIDC_SCOPES?", code=EMAIL
        ) from error


def _follow(session: Session, user: User, rule: RoleRule, organization_id: int | None) -> None:
    """Give the person the role and organization that the provider's claims stand for."""
    _refuse_deactivated(user)
    if (user.role, user.organization_id) == (rule.role, organization_id):
        return
    seen = UserView.model_validate(user)
    wanted = UserUpdate(name=seen.name, role=rule.role, organization_id=organization_id, is_active=True)
    try:
        users.update(session, ACTOR, seen.id, wanted, if_match={etags.etag(seen)})
    except PreconditionFailed as error:  # such as: deactivated at this moment
        raise SignInRefused("Somebody changed this person at the same time.", code=AGAIN) from error
    except Conflict as error:
        raise SignInRefused(
            "The provider no longer makes the last active super admin one. Make somebody else a super admin first.",
            code=LAST_ADMIN,
        ) from error


def _refuse_deactivated(user: User) -> None:
    if not user.is_active:
        raise SignInRefused(f"{user.email} was deactivated here.", code=DEACTIVATED)
