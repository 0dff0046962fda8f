"""`trainyard import`: look at everything, say what was found, then bring it in.

Exit code 0: all went in; 3: some items were left out; 1: nothing was imported, or it broke off. Run again after any
end, also `kill -9`: what is in already is skipped.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.data_cli.common import SOME_LEFT_OUT, AsPerson, dataset, person, progress
from app.domain.labels import LabelSchema
from app.errors import Invalid
from app.exchange.importing import Counts, Importer
from app.exchange.looking import Look, look, refuse_other_task
from app.exchange.report import Report
from app.exchange.surveying import as_schema, missing_classes, with_classes
from app.exchange.widening import widening
from app.formats import AUTO, TITLES
from app.infra.object_store import get_object_store
from app.schemas.datasets import DatasetCreate, DatasetFilter, DatasetView
from app.services import datasets, imported_samples

NEW = "new:"
LINES = 30


def import_dataset(
    path: Annotated[Path, typer.Argument(help="A folder with images and annotations, or one annotation file.")],
    into: Annotated[str, typer.Option("--dataset", help="Name or id of a dataset, or new:NAME.")],
    format_name: Annotated[str, typer.Option("--format", help=f"auto, {', '.join(TITLES)}.")] = AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    skip_faults: Annotated[bool, typer.Option("--skip-faults", help="Leave out what is at fault; do not ask.")] = False,
    add_classes: Annotated[bool, typer.Option("--add-classes", help="Add classes that the dataset lacks.")] = False,
    ai_module: Annotated[str, typer.Option(help="The module that a new dataset is for.")] = "imported",
    faults_file: Annotated[Path | None, typer.Option("--faults", help="Write every fault into this file.")] = None,
    email: Annotated[str | None, typer.Option("--as", help="Your address; default: the only super admin.")] = None,
) -> None:
    """Bring images and labels of another tool into a dataset (docs/formats.md)."""
    from app.running import reached

    with reached(), Report(faults_file) as report:
        get_object_store().ensure_bucket()
        run = person(email)
        target = None if into.startswith(NEW) else dataset(run, into)
        with progress("Reading", None) as bar, look(path, format_name, report, lambda s: bar(s.images)) as found:
            schema = _schema(found, target, add_classes=add_classes)
            found.check(LabelSchema.of(schema), report)
            if dry_run:
                found.inspect(report, bar)
            _say(found)
            if target is not None:
                _say_schema(run, found, target, add_classes=add_classes)
            _say_faults(report)
            if dry_run:
                typer.echo("This was a dry run: nothing was imported.")
                raise typer.Exit(SOME_LEFT_OUT if report.left_out else 0)
            _agree(report, skip_faults=skip_faults)
            goal = _target(run, into, target, schema, found, ai_module)
            present = LabelSchema.of(goal.label_schema)
            if present != LabelSchema.of(schema):  # somebody changed what an earlier import made
                found.check(present, Report())
            counts = _bring_in(run, found, goal, report)
    typer.echo(_outcome(counts))
    raise typer.Exit(SOME_LEFT_OUT if report.left_out or counts.refused else 0)


def _schema(found: Look, target: DatasetView | None, *, add_classes: bool) -> dict[str, object]:
    """The schema that the dataset will have."""
    if target is None:
        task = found.found.task
        if task is None:
            raise Invalid("No image has a class or box, so there are no classes for a new dataset. Make it first.")
        specs = found.found.specs()
        if task == "classification" and len(specs) < 2:
            raise Invalid(f"There is one class only, {specs[0].name!r}; telling apart needs two.")
        return as_schema(specs, task)
    refuse_other_task(found.found, LabelSchema.of(target.label_schema))
    if not add_classes:
        return target.label_schema
    return with_classes(target.label_schema, found.found.specs(), found.found.classes)


def _target(
    run: AsPerson, into: str, target: DatasetView | None, schema: dict[str, object], found: Look, ai_module: str
) -> DatasetView:
    """The dataset to import into, made or extended."""
    if target is not None:
        if schema == target.label_schema:
            return target
        return run(imported_samples.extend_schema, target.id, schema)
    name, note = into.removeprefix(NEW).strip(), f"Imported from {found.root.name} ({TITLES[found.format_name]})."
    mine = [d for d in run(datasets.list_datasets, DatasetFilter(q=name), None, 200).items if d.name == name]
    if mine and mine[0].description == note and mine[0].created_by == run.actor.user_id:
        typer.echo(f"Going on with {name!r}, which an earlier import of the same folder made.")
        return mine[0]
    request = DatasetCreate(name=name, description=note, ai_module=ai_module, label_schema=schema)  # type: ignore[arg-type]
    return run(datasets.create, request)


def _bring_in(run: AsPerson, found: Look, target: DatasetView, report: Report) -> Counts:
    work = Importer(run, get_object_store(), target.id, found.root, report)
    with progress("Importing", found.found.images) as bar:
        return work.go(found.fitted(), lambda counts: bar(counts.images))


def _say(found: Look) -> None:
    what = found.found
    typer.echo(f"{TITLES[found.format_name]}: {what.images:,} images, {what.labelled:,} labelled, {what.boxes:,} boxes")
    for name, count in what.classes.most_common(LINES):
        typer.echo(f"  {count:>9,}  {name}")
    if what.splits:
        typer.echo("Split: " + ", ".join(f"{name} {count:,}" for name, count in what.splits.items()))


def _say_schema(run: AsPerson, found: Look, target: DatasetView, *, add_classes: bool) -> None:
    """What the dataset lacks, and what adding it would change: the preview of a change of its schema."""
    wide = with_classes(target.label_schema, found.found.specs(), found.found.classes)
    lacking = missing_classes(target.label_schema, found.found.specs(), found.found.classes)
    if lacking:
        names = ", ".join(spec.name for spec in lacking)
        typer.echo(
            f"{target.name!r} lacks these classes: {names}." + ("" if add_classes else " --add-classes adds them.")
        )
    change = widening(run, target.id, target.label_schema, wide, wanted=add_classes)
    if change is None:
        return
    if change.refused:
        typer.echo(change.refused)
        return
    typer.echo(f"Change of the schema of {target.name!r}{'' if add_classes else ' with --add-classes'}:")
    for line in change.lines[:LINES]:
        typer.echo(f"  + {line}")
    if len(change.lines) > LINES:
        typer.echo(f"  … and {len(change.lines) - LINES:,} more")
    count = change.labels_changed
    typer.echo(f"  {count:,} labels change by it." if count else "  No label changes by it.")


def _say_faults(report: Report) -> None:
    if not report.count:
        return
    typer.echo(f"Faults: {report.count:,}. Items left out: {report.left_out:,}.")
    for fault in report.first[:LINES]:
        typer.echo(f"  {fault.place}: {fault.what}. {fault.todo}")
    if report.count > LINES:
        typer.echo(f"  … and {report.count - min(LINES, len(report.first)):,} more; --faults FILE writes all of them.")


def _agree(report: Report, *, skip_faults: bool) -> None:
    """A person decides whether the rest goes in without what is left out."""
    if not report.left_out or skip_faults:
        return
    if sys.stdin.isatty() and typer.confirm("Import the rest?"):
        return
    raise Invalid("Nothing was imported. Correct what is listed, or leave it out: --skip-faults")


def _outcome(counts: Counts) -> str:
    parts = [f"{counts.added:,} images added", f"{counts.labelled:,} labelled", f"{counts.boxes:,} boxes"]
    parts += [f"{counts.known:,} were there already"] if counts.known else []
    parts += [f"{counts.refused:,} refused"] if counts.refused else []
    return ", ".join(parts) + "."
