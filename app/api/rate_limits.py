"""How many requests a credential may make a minute, and the fields that tell it (draft-ietf-httpapi-ratelimit-headers).

Known callers are counted by their credential, others by their address, so that no tenant can use up the share of
another. What the share is stands in every answer; who has used it up gets 429 and `Retry-After`. A person can make
themselves new credentials, so all of one person's together have an end too.
"""

from dataclasses import replace

from fastapi import Request

from app.domain.addresses import counted_as
from app.domain.permissions import Actor, EdgeActor, PersonActor
from app.errors import TooManyRequests
from app.infra.rate_limits import WINDOW_SECONDS, Share, admits, take
from app.services.request_context import request_context
from app.settings import get_settings

SCOPE_KEY = "trainyard.share"
# So many times the share of one credential have all credentials of a person together.
CREDENTIALS = 5


def count(request: Request, actor: Actor) -> None:
    """Count this request; `TooManyRequests` when the caller's share is used up."""
    settings = get_settings()
    if isinstance(actor, PersonActor):
        who, quota = actor.credential, settings.rate_limit_per_minute
    elif isinstance(actor, EdgeActor):
        who, quota = actor.label, settings.rate_limit_per_minute
    else:
        who, quota = f"address:{counted_as(request_context.get().ip_address)}", settings.anonymous_limit_per_minute
    share = take(f"api:{who}", quota)
    if share.allowed and isinstance(actor, PersonActor):
        person, most = f"api:person:{actor.user_id}", quota * CREDENTIALS
        if not admits(person, most):
            share = replace(take(person, most), quota=quota)
    request.scope[SCOPE_KEY] = share
    if not share.allowed:
        raise TooManyRequests(
            f"More than {quota} requests in a minute. Wait {share.reset} seconds, then go on more slowly.",
            retry_after=share.reset,
        )


def headers(share: Share | None) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit`, as response headers."""
    if share is None:
        return []
    return [
        (b"ratelimit-policy", f'"requests";q={share.quota};w={WINDOW_SECONDS}'.encode()),
        (b"ratelimit", f'"requests";r={share.remaining};t={share.reset}'.encode()),
    ]
