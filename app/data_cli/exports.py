"""`trainyard export`: a dataset in the layout of another tool, with a report of what that tool cannot carry."""

from pathlib import Path
from typing import Annotated

import typer

from app.data_cli.common import dataset, person, progress
from app.errors import Invalid
from app.exchange.exporting import LOSS_REPORT, Exported, export, of_dataset
from app.formats import TITLES, known
from app.infra.object_store import get_object_store
from app.services import imported_samples, versions


def export_dataset(
    which: Annotated[str, typer.Argument(metavar="DATASET", help="Name or id of a dataset.")],
    format_name: Annotated[str, typer.Option("--format", help=f"{', '.join(TITLES)}.")],
    out: Annotated[Path, typer.Option(help="An empty folder, or one that is not there yet.")],
    version: Annotated[str | None, typer.Option(help="A version, as 1.2.0 or latest; default: as it is now.")] = None,
    images: Annotated[bool, typer.Option(help="Write the images too.")] = True,
    email: Annotated[str | None, typer.Option("--as", help="Your address; default: the only super admin.")] = None,
) -> None:
    """Write a dataset as COCO, YOLO, Pascal VOC, CVAT XML, Label Studio JSON, CSV or folders (docs/formats.md)."""
    from app.running import reached

    known(format_name)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Invalid(f"{out} is not an empty folder. Name a new one.")
    out.mkdir(parents=True, exist_ok=True)
    with reached():
        run = person(email)
        target = dataset(run, which)
        store = get_object_store() if images else None
        frozen = run(versions.get, target.id, version) if version is not None else None
        schema, total = (frozen or target).label_schema, (frozen or target).sample_count
        with progress("Exporting", total) as bar:
            pages = of_dataset(run, target.id, frozen.version if frozen else None)
            done = export(pages, schema, format_name, out, store, lambda part: bar(part.images))
        run(imported_samples.record_export, target.id, format_name, done.images)
    _say(done, out)


def _say(done: Exported, out: Path) -> None:
    typer.echo(f"Wrote {done.images:,} images, {done.labelled:,} labelled, {done.boxes:,} boxes to {out}.")
    if done.losses:
        typer.echo(f"This format cannot carry everything ({LOSS_REPORT} has this list):")
    for loss in done.losses:
        example = f", such as {loss.example}" if loss.example else ""
        typer.echo(f"  {loss.count:>9,}  {loss.what}{example}")
