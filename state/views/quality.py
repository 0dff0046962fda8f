"""The quality report as its page shows it: rows with their place on a scale, and words for what they mean."""

from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import urlencode

from app.domain.labels import Task
from app.schemas.quality import (
    ConfusionView,
    EstimateView,
    PairQuality,
    QualityReport,
    Said,
    SampleBehind,
)
from state.addresses import address
from state.views.datasets import TINY_PIXELS
from state.views.quality_words import FAIR, FEW, GOOD, Called, Names
from state.views.words import iso, share


class Interval(TypedDict):
    """A figure on a scale from 0 to 1; `low`, `width` and `at` are percent of its length."""

    label: str
    low: float
    width: float
    at: float
    known: bool
    text: str
    rests: str
    hint: str
    href: str
    opens: str
    tone: str


class Matrix(TypedDict):
    """A confusion matrix with its sides in words."""

    labels: list[str]
    matrix: list[list[int]]
    down: str
    across: str
    mutual: bool
    note: str


class BehindCard(TypedDict):
    """A sample behind a figure."""

    id: str
    url: str
    alt: str
    said: str
    is_tiny: bool
    href: str


class WeekRow(TypedDict):
    """One week in the table under the plots."""

    starts: str
    alpha: str
    samples: str
    opinions: str
    seconds: str
    href: str


NO_MATRIX: Matrix = {"labels": [], "matrix": [], "down": "", "across": "", "mutual": False, "note": ""}


def interval(
    label: str, estimate: EstimateView, *, of: str, href: str = "", opens: str = "", judged: bool = True
) -> Interval:
    """A figure with its interval in words: `of` says what its items are. `judged` figures have a tone."""
    value, few = estimate.value, estimate.samples < FEW
    tone = "plain"
    if judged and value is not None:
        tone = "good" if value >= GOOD else "fair" if value >= FAIR else "low"
    low, high = _clip(estimate.low), _clip(estimate.high)
    between = f" ({_short(estimate.low)} to {_short(estimate.high)})" if estimate.low is not None else ""
    caution = " Few samples: the interval tells more than the figure." if few and value is not None else ""
    known = f"95 % interval{between}" if between else "too little for an interval"
    hint = f"{label}: not defined" if value is None else f"{label}: {value:.3f}, {known}."
    return {
        "label": label,
        "low": low,
        "width": round(high - low, 2),
        "at": _clip(value),
        "known": value is not None,
        "text": "–" if value is None else f"{_short(value)}{between}",
        "rests": f"{estimate.items:,} {of}",
        "hint": f"{hint} Rests on {estimate.items:,} {of} in {estimate.samples:,} samples.{caution}",
        "href": href,
        "opens": opens or label,
        "tone": tone,
    }


def classes(report: QualityReport, path: str) -> list[Interval]:
    """α of every class that anybody gave, the least agreed first."""
    seen = [one for one in report.classes if one.alpha.items]
    seen.sort(key=lambda one: one.alpha.value if one.alpha.value is not None else 2.0)
    return [
        interval(
            one.name,
            one.alpha,
            of="labels" if report.task != Task.DETECTION else "boxes",
            href=_figure(path, behind="people", said=one.name),
            opens=f"{one.name}: show the samples about which people differ",
        )
        for one in seen[:60]
    ]


def pairs(report: QualityReport, names: Names, path: str) -> list[Interval]:
    """κ of every two people, the least agreed first."""
    rows = sorted(report.pairs, key=lambda one: one.kappa.value if one.kappa.value is not None else 2.0)
    return [_pair(one, names, path) for one in rows]


def _pair(one: PairQuality, names: Names, path: str) -> Interval:
    label = f"{names(one.first)} and {names(one.second)}"
    row = interval(
        label,
        one.kappa,
        of="items" if one.found is not None else "samples",
        href=_figure(path, behind="people", one=str(one.first), two=str(one.second)),
        opens=f"{label}: show the samples about which they differ",
    )
    more = [f"They said the same about {share(one.same.value)}."]
    if one.overlap is not None and one.overlap.value is not None:
        more.append(f"Boxes of one object overlap by {share(one.overlap.value)} on average.")
    return {**row, "hint": " ".join([row["hint"], *more])}


def people(report: QualityReport, names: Names, path: str) -> list[Interval]:
    """κ of everybody with all others."""
    return [
        interval(
            names(one.annotator_id),
            one.kappa,
            of="comparisons",
            href=_figure(path, behind="people", one=str(one.annotator_id)),
            opens=f"{names(one.annotator_id)}: show the samples about which others differ",
        )
        for one in report.annotators
        if one.kappa is not None
    ]


def accuracies(report: QualityReport, names: Names, path: str) -> list[Interval]:
    """How often everybody says what the reference says."""
    return [
        interval(
            names(one.annotator_id),
            one.accuracy.score,
            of="samples" if report.task == Task.CLASSIFICATION else "items",
            href=_figure(path, behind="verified", one=str(one.annotator_id)),
            opens=f"{names(one.annotator_id)}: show the samples that were verified as something else",
            judged=False,
        )
        for one in report.annotators
        if one.accuracy is not None
    ]


def planted(report: QualityReport, names: Names) -> list[Interval]:
    """The same against planted truth. No figure opens its samples: that would tell which ones are planted."""
    return [
        interval(
            names(one.annotator_id),
            one.accuracy.score,
            of="samples" if report.task == Task.CLASSIFICATION else "items",
            judged=False,
        )
        for one in report.annotators
        if one.accuracy is not None
    ]


def paces(report: QualityReport, names: Names, gallery: str) -> list[Interval]:
    """Seconds per sample; the line reaches from the median to what nine of ten stay below."""
    timed = [one for one in report.annotators if one.pace.median is not None]
    longest = max((one.pace.p90 or 0.0 for one in timed), default=0.0) or 1.0
    rows = []
    for one in timed:
        median, p90 = one.pace.median or 0.0, one.pace.p90 or 0.0
        name = names(one.annotator_id)
        rows.append(
            Interval(
                label=name,
                low=round(median / longest * 100, 2),
                width=round((p90 - median) / longest * 100, 2),
                at=round(median / longest * 100, 2),
                known=True,
                text=f"{median:.1f} s",
                rests=f"{one.pace.samples:,} samples",
                hint=f"{name}: half of the samples took at most {median:.1f} s, nine of ten at most {p90:.1f} s",
                href=address(gallery, labeled_by=str(one.annotator_id)),
                opens=f"{name}: show what they labelled",
                tone="plain",
            )
        )
    return rows


def matrix(found: ConfusionView | None, names: Names) -> Matrix:
    """A confusion matrix; sides that are people by their names."""
    if found is None:
        return NO_MATRIX
    sides = {"reference": "verified", "one": "one said", "another": "another said", "people": "people said"}
    down, across = (sides.get(side) or names(int(side)) for side in (found.rows, found.columns))
    note = f"{found.left_out} classes that are confused less have no room here." if found.left_out else ""
    return {
        "labels": found.labels,
        "matrix": found.matrix,
        "down": down,
        "across": across,
        "mutual": found.rows == "one",
        "note": note,
    }


def weeks(report: QualityReport, path: str) -> list[WeekRow]:
    """The weeks as a table, the newest first."""
    rows = []
    for number, week in enumerate(report.weeks):
        until = report.weeks[number + 1].starts if number + 1 < len(report.weeks) else None
        span = {"since": f"{week.starts}T00:00:00Z", **({"until": f"{until}T00:00:00Z"} if until else {})}
        timed = [one.seconds for one in week.annotators if one.seconds is not None]
        rows.append(
            WeekRow(
                starts=f"{week.starts.day} {week.starts:%b %Y}",
                alpha=_short(week.alpha.value) if week.alpha else "–",
                samples=f"{week.alpha.samples if week.alpha else 0:,}",
                opinions=f"{sum(one.opinions for one in week.annotators):,}",
                seconds=f"{min(timed):.1f} to {max(timed):.1f} s" if timed else "–",
                href=_figure(path, behind="people", **span) if week.alpha else "",
            )
        )
    return rows[::-1]


def behind_card(item: SampleBehind, names: Called, dataset_path: str) -> BehindCard:
    """A sample and what was said about it."""
    said = "; ".join(dict.fromkeys(_said(one, names) for one in item.said))
    return {
        "id": str(item.id),
        "url": item.thumbnail or item.url,
        "alt": f"sample {str(item.id)[:8]}: {said}",
        "said": said,
        "is_tiny": 0 < max(item.width or 0, item.height or 0) <= TINY_PIXELS,
        "href": address(f"{dataset_path}/label", sample=str(item.id)),
    }


def as_of(report: QualityReport) -> str:
    """When it was measured."""
    return iso(report.as_of)


def by_person(report: QualityReport, names: Names) -> Mapping[str, list[float | None]]:
    """Median seconds per sample of each week, of the people who were timed at all; for the plot."""
    found: dict[str, list[float | None]] = {}
    for number, week in enumerate(report.weeks):
        for one in week.annotators:
            if one.seconds is not None:
                found.setdefault(names(one.annotator_id), [None] * len(report.weeks))[number] = round(one.seconds, 2)
    return found


def right_by_person(report: QualityReport, names: Names) -> Mapping[str, list[float | None]]:
    """Share of right answers of each week; for the plot."""
    found: dict[str, list[float | None]] = {}
    for number, week in enumerate(report.weeks):
        for one in week.annotators:
            if one.right is not None and one.right.value is not None:
                line = found.setdefault(names(one.annotator_id), [None] * len(report.weeks))
                line[number] = round(one.right.value, 4)
    return found


def _figure(path: str, **figure: str) -> str:
    """The page's own address with its filters, and the figure whose samples are to be shown."""
    return f"{path}{'&' if '?' in path else '?'}{urlencode(figure)}"


def _said(one: Said, names: Called) -> str:
    if one.second is None:
        return f"{names(one.first)}: {one.said}, verified as {one.seen_as}"
    if one.said == one.seen_as:
        return f"{names(one.first)} and {names(one.second)}: {one.said}"
    return f"{names(one.first)}: {one.said}, {names(one.second)}: {one.seen_as}"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _clip(value: float | None) -> float:
    return 0.0 if value is None else round(min(1.0, max(0.0, value)) * 100, 2)
