"""Configuration of the front-end build and the Reflex server; host, port and public address come from TRAINYARD_*."""

import os
from urllib.parse import urlsplit

import reflex as rx

from components.theme import radix_theme

HOST = os.environ.get("TRAINYARD_HOST", "127.0.0.1")
PORT = int(os.environ.get("TRAINYARD_PORT", "8700"))
PUBLIC_URL = os.environ.get("TRAINYARD_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")


def _origins() -> list[str]:
    """Origins that may open the event socket: the public address, and the names that this server answers to."""
    public = urlsplit(PUBLIC_URL)
    names = [part.strip() for part in os.environ.get("TRAINYARD_ALLOWED_HOSTS", "").split(",") if part.strip()]
    own = [] if HOST in {"0.0.0.0", "::"} else [HOST]  # noqa: S104 compared, not bound
    plain = [f"http://{name}:{PORT}" for name in ("localhost", "127.0.0.1", "[::1]", *own, *names)]
    behind_proxies = [f"https://{name}" for name in names]
    return list(dict.fromkeys([f"{public.scheme}://{public.netloc}", *plain, *behind_proxies]))


# Reflex replaces "localhost" by the host that the browser was opened with (and drops the port on https).
config = rx.Config(
    app_name="app",
    app_module_import="app.app",
    backend_host=HOST,
    backend_port=PORT,
    frontend_port=PORT,
    api_url=f"http://localhost:{PORT}",
    deploy_url=PUBLIC_URL,
    cors_allowed_origins=_origins(),
    state_manager_mode="memory",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    default_color_mode="system",
    plugins=[rx.plugins.RadixThemesPlugin(theme=radix_theme())],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
