"""Whether a browser's request comes from our own pages."""

from app.settings import get_settings


def is_own(origin: str, host: str | None) -> bool:
    """True if `origin` is that of the pages under `host`, to which the request went.

    Behind https only https counts: who can change pages on their way over http must not act for the person.
    """
    schemes = ("https",) if get_settings().secure_cookies else ("https", "http")
    return host is not None and origin in {f"{scheme}://{host}" for scheme in schemes}
