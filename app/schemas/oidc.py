"""How people can sign in, as the sign-in page and other clients see it."""

from pydantic import Field

from app.schemas.base import View


class OidcMethod(View):
    """Single sign-on at an identity provider."""

    label: str = Field(description="What the button says", examples=["Sign in with Acme"])


class SignInMethods(View):
    """How people sign in on this server."""

    password: bool = Field(description="With an e-mail address and a password")
    oidc: OidcMethod | None = Field(description="At `/api/v1/auth/oidc/start`; null where it is not set up")
