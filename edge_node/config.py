"""The node's settings: frozen, from flags first and `TRAINYARD_EDGE_*` second. Documented in edge_node/README.md."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from edge_node.errors import Misconfigured

PREFIX = "TRAINYARD_EDGE_"


@dataclass(frozen=True)
class Settings:
    """One value per variable `TRAINYARD_EDGE_<NAME>`; sizes are in bytes, times in seconds."""

    data: Path = Path("edge-data")
    host: str = "127.0.0.1"
    port: int = 9100
    cloud: str = ""
    token: str = ""
    name: str = ""
    intra_op_threads: int = 1
    infer_threads: int = 4
    max_body_bytes: int = 20_000_000
    max_image_pixels: int = 40_000_000
    max_images: int = 64
    max_bundle_bytes: int = 2_000_000_000
    min_free_bytes: int = 64_000_000
    download_attempts: int = 5
    retry_seconds: float = 1.0
    retry_limit_seconds: float = 60.0
    request_timeout_seconds: float = 15.0
    log_level: str = "info"


def load_settings(flags: Mapping[str, str | None], environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `flags` (None where not given), then the environment, then the defaults. Raises Misconfigured."""
    environment = os.environ if environment is None else environment
    values: dict[str, str | int | float | Path] = {}
    for field in fields(Settings):
        text = flags.get(field.name)
        source = f"--{field.name}"
        if text is None:
            source = PREFIX + field.name.upper()
            text = environment.get(source)
        if text is not None and text != "":
            values[field.name] = _parse(field.type, text, source)
    settings = Settings(**values)  # type: ignore[arg-type]
    _check_ranges(settings)
    return settings


def _parse(kind: object, text: str, source: str) -> str | int | float | Path:
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        raise Misconfigured(f"{source} is {text!r}; a number is needed.") from None
    return Path(text).expanduser() if kind is Path else text


def _check_ranges(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise Misconfigured(f"The port is {settings.port}; it must be between 0 (any free one) and 65535.")
    for name in ("intra_op_threads", "infer_threads", "max_body_bytes", "max_image_pixels", "max_images",
                 "max_bundle_bytes", "download_attempts", "retry_seconds", "retry_limit_seconds",
                 "request_timeout_seconds"):  # fmt: skip
        if getattr(settings, name) <= 0:
            raise Misconfigured(f"{PREFIX}{name.upper()} is {getattr(settings, name)}; it must be more than 0.")
    if settings.min_free_bytes < 0:
        raise Misconfigured(f"{PREFIX}MIN_FREE_BYTES is {settings.min_free_bytes}; it must be 0 or more.")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise Misconfigured(f"{PREFIX}LOG_LEVEL is {settings.log_level!r}; use debug, info, warning or error.")
