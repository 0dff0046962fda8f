"""Images and videos into a dataset, straight into the store (see ``image_upload.jsx`` and ``upload_run.js``)."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.browser import browser_module


class ImageUpload(rx.Component):
    """A place to drop files or folders, their progress, and what became of each."""

    library = browser_module("image_upload.jsx")
    tag = "ImageUpload"

    dataset: rx.Var[str]
    on_settled: rx.EventHandler[rx.event.no_args_event_spec]


def image_upload(dataset: rx.Var[str] | str, *, on_settled: Any) -> rx.Component:
    """Uploads to the dataset with this id; ``on_settled`` is called now and then while files go in, and at the end.

    data-testid: upload, upload-drop, upload-files-input, upload-folder-input, upload-status, upload-pause,
    upload-resume, upload-clear, upload-row, upload-filter-…, upload-count-…, upload-interrupted.
    """
    return ImageUpload.create(dataset=dataset, on_settled=on_settled, data_testid="upload")
