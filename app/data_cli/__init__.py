"""The commands `trainyard import` and `trainyard export`: datasets in and out of other tools (docs/formats.md)."""

from app.data_cli.exports import export_dataset
from app.data_cli.imports import import_dataset

__all__ = ["export_dataset", "import_dataset"]
