"""Configuration of the front-end build and the Reflex server; host, port and public address come from TRAINYARD_*."""

import os
from urllib.parse import urlsplit

import reflex as rx

from components.theme import radix_theme

HOST = os.environ.get("TRAINYARD_HOST", "127.0.0.1")
PORT = int(os.environ.get("TRAINYARD_PORT", "8700"))
PUBLIC_URL = os.environ.get("TRAINYARD_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")


def _origins() -> list[str]:
    """Origins that may open the event socket: the public address, this machine by name, and what is configured."""
    public = urlsplit(PUBLIC_URL)
    own = [f"{public.scheme}://{public.netloc}", f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"]
    more = [part.strip() for part in os.environ.get("TRAINYARD_ALLOW_ORIGINS", "").split(",") if part.strip()]
    return list(dict.fromkeys([*own, *more]))


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
