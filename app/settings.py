"""Every setting, in one frozen place.

Read from the environment with the prefix `TRAINYARD_`. Defaults are for development on one machine; production refuses
to start where browsers would send their session over plain http.
"""

from functools import cached_property, lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.role_rules import RoleRule, parse_role_rules

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 compared, not bound
OIDC_DISCOVERY = "/.well-known/openid-configuration"


class Settings(BaseSettings):
    """See the configuration table in README.md; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="TRAINYARD_", frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "test", "production"] = Field(
        "development", description="`production` demands an https address"
    )
    data_dir: Path = Field(Path(".trainyard"), description="Where embedded servers, keys and logs live")
    host: str = Field("127.0.0.1", description="Address the web server listens on")
    port: int = Field(8700, ge=1, le=65535, description="Port of dashboard and API")
    public_url: str = Field("", description="How browsers and edges reach this server; default `http://HOST:PORT`")
    workers: int = Field(1, ge=0, le=64, description="Training workers that `up` starts")
    database_url: str = Field("", description="PostgreSQL ≥ 15 to use instead of the embedded one")
    redis_url: str = Field("", description="Redis ≥ 6 or Valkey ≥ 7.2 to use instead of the embedded one")
    s3_endpoint: str = Field("", description="`host:port` of an S3 API to use instead of the embedded one")
    s3_access_key: str = Field("", description="S3 access key")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="S3 secret key")
    s3_secure: bool = Field(False, description="https towards S3")
    s3_bucket: str = Field("trainyard", min_length=3, description="Bucket for samples, checkpoints and bundles")
    s3_region: str = Field("us-east-1", description="Region used in signatures")
    s3_public_endpoint: str = Field("", description="`host:port` browsers and edges use for S3; default: the endpoint")
    online_key_file: Path | None = Field(None, description="Online signing key; default `DATA_DIR/keys/online.json`")
    download_url_seconds: int = Field(300, ge=10, le=86400, description="How long a signed download URL lasts")
    heartbeat_interval_seconds: int = Field(5, ge=1, le=3600, description="How often an edge reports")
    session_days: int = Field(14, ge=1, le=90, description="How long a sign-in lasts without use")
    allowed_hosts: str = Field("", description="More host names this server answers to, separated by commas")
    trusted_proxies: str = Field("", description="Proxies (addresses, networks) whose X-Forwarded-For counts")
    rate_limit_per_minute: int = Field(1200, ge=1, description="API requests a minute for each credential")
    anonymous_limit_per_minute: int = Field(120, ge=1, description="API requests a minute for each address without one")
    server_key_file: Path | None = Field(None, description="Key that secrets derive from; `DATA_DIR/keys/server.key`")
    oidc_discovery_url: str = Field("", description="OpenID Connect provider: its `…/.well-known/openid-configuration`")
    oidc_client_id: str = Field("", description="OpenID Connect client id")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="OIDC client secret; empty for a public client")
    oidc_scopes: str = Field("openid email profile", description="Scopes asked for at the provider")
    oidc_label: str = Field("Single sign-on", description="What the button on the sign-in page says")
    oidc_roles: str = Field("", description="JSON: claims that give a role and an organization (docs/sign-in.md)")
    webhook_allow_private: bool = Field(False, description="Let webhooks call private networks and plain http")
    archive_max_bytes: int = Field(20 * 2**30, ge=1, description="Largest archive of a dataset that is imported, bytes")
    archive_max_unpacked_bytes: int = Field(50 * 2**30, ge=1, description="What an archive may unpack to, bytes")
    transfer_days: int = Field(7, ge=1, le=365, description="How long exports and lists of faults can be fetched")
    log_format: Literal["text", "json"] = Field("text", description="Lines for people, or one JSON object per line")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least important line logged")

    @model_validator(mode="after")
    def _refuse_plain_http(self) -> Self:
        if self.environment == "production" and not self.public_url.startswith("https://"):
            raise ValueError("set TRAINYARD_PUBLIC_URL to the https:// address of this server in production")
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _refuse_names(cls, text: str) -> str:
        for part in text.split(","):
            try:
                if part.strip():
                    ip_network(part.strip(), strict=False)
            except ValueError:
                raise ValueError(f"{part.strip()!a} is no address or network such as 10.0.0.1 or 10.0.0.0/8") from None
        return text

    @field_validator("oidc_discovery_url")
    @classmethod
    def _refuse_unsafe_provider(cls, url: str) -> str:
        if url and not (is_safe_provider(url) and url.endswith(OIDC_DISCOVERY)):
            raise ValueError(f"it must begin with https:// (http:// only on this machine) and end in {OIDC_DISCOVERY}")
        return url

    @field_validator("oidc_roles")
    @classmethod
    def _refuse_unclear_rules(cls, text: str) -> str:
        parse_role_rules(text)
        return text

    @model_validator(mode="after")
    def _refuse_half_an_oidc(self) -> Self:
        needed = (self.oidc_discovery_url, self.oidc_client_id, self.oidc_rules)
        if any(needed) and not all(needed):
            names = "TRAINYARD_OIDC_DISCOVERY_URL, TRAINYARD_OIDC_CLIENT_ID and TRAINYARD_OIDC_ROLES"
            raise ValueError(f"OpenID Connect needs {names}: without one of them nobody could sign in")
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("TRAINYARD_OIDC_SCOPES must hold openid, or no provider says who signs in")
        return self

    @cached_property
    def oidc_rules(self) -> tuple[RoleRule, ...]:
        """Who gets which role from the OpenID Connect provider, in the order of the setting."""
        return parse_role_rules(self.oidc_roles)

    @property
    def base_url(self) -> str:
        """The origin that browsers and edges use, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @cached_property
    def host_names(self) -> frozenset[str]:
        """Every name and address, without port, that the server answers to."""
        own = [host_name(urlsplit(self.public_url).netloc), *([] if self.host in EVERY_ADDRESS else [self.host])]
        more = [host_name(part.strip()) for part in self.allowed_hosts.split(",")]
        return frozenset(name.lower() for name in (*THIS_MACHINE, *own, *more) if name)

    @property
    def s3_browser_endpoint(self) -> str:
        """`host:port` that goes into signed URLs."""
        return self.s3_public_endpoint or self.s3_endpoint

    @property
    def online_key_path(self) -> Path:
        """File of the online (snapshot, timestamp) key."""
        return self.online_key_file or self.data_dir / "keys" / "online.json"

    @property
    def server_key_path(self) -> Path:
        """File of the key that webhook secrets derive from."""
        return self.server_key_file or self.data_dir / "keys" / "server.key"

    @property
    def secure_cookies(self) -> bool:
        """True when the public address is https."""
        return self.base_url.startswith("https://")


def host_name(host: str) -> str:
    """The name in `host:port`, without brackets and in small letters; nothing if that is no host at all."""
    try:
        parts = urlsplit(f"//{host}")
        whole = parts.netloc == host and "@" not in host
        return (parts.hostname or "").rstrip(".") if whole else ""
    except ValueError:
        return ""


def is_safe_provider(url: str) -> bool:
    """True for https, and for http on this machine, where nobody listens in between."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
    except ValueError:
        return False
    whole = bool(name) and "@" not in parts.netloc
    return whole and (parts.scheme == "https" or (parts.scheme == "http" and name in THIS_MACHINE))


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
