"""A place to put one archive, in parts straight into the store (see ``archive_upload.jsx``)."""

from __future__ import annotations

import reflex as rx

from components.browser import browser_module


class ArchiveUpload(rx.Component):
    """Tells ``on_uploaded(upload_key, file_name)`` when the whole file is there."""

    library = browser_module("archive_upload.jsx")
    tag = "ArchiveUpload"

    base: rx.Var[str]
    disabled: rx.Var[bool]
    on_uploaded: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]


def archive_upload(base: rx.Var[str] | str, *, on_uploaded: rx.EventHandler) -> rx.Component:
    """``base`` is the API's address of the dataset. data-testid: archive-drop, archive-file, archive-stop."""
    return ArchiveUpload.create(base=base, on_uploaded=on_uploaded)
