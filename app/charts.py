"""Plain numbers → what is drawn: rows for bar lists and plotly figure dicts.

Pure: no I/O, no framework, no colours (the theme sets them in the browser). Everything returned is JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict

WEAK_SCORE = 0.9
RARE_SHARE = 0.5
"""A class is called rare when it has less than this share of an even split."""

Score = Literal["precision", "recall", "f1"]
Numbers = Sequence[float | None]


class Bar(TypedDict):
    """One bar: ``percent`` is its length (0 to 100), ``text`` the number beside it, ``tone`` plain or warning."""

    label: str
    percent: float
    text: str
    hint: str
    tone: Literal["plain", "warning"]


class Curve(TypedDict):
    """One named series of points with the same number of steps and values."""

    name: str
    step: Sequence[int]
    value: Numbers


def per_class_bars(per_class: Mapping[str, Mapping[str, float]], score: Score = "f1") -> list[Bar]:
    """A bar per class in the order given; classes below 0.9 are marked."""
    bars: list[Bar] = []
    for label, figures in per_class.items():
        value = min(1.0, max(0.0, float(figures[score])))
        support = int(figures.get("support", 0))
        hint = f"{label}: precision {figures['precision']:.3f}, recall {figures['recall']:.3f}, {support} test samples"
        bars.append(
            Bar(
                label=label,
                percent=round(value * 100, 2),
                text=f"{value:.3f}",
                hint=hint,
                tone="warning" if value < WEAK_SCORE else "plain",
            )
        )
    return bars


def class_balance_bars(counts: Mapping[str, int]) -> list[Bar]:
    """A bar per class, the largest filling the line; classes with less than half an even share are marked."""
    total, largest = sum(counts.values()), max(counts.values(), default=0)
    if not total:
        return [
            Bar(label=label, percent=0.0, text="0", hint=f"{label}: no samples", tone="warning") for label in counts
        ]
    even = total / len(counts)
    return [
        Bar(
            label=label,
            percent=round(count / largest * 100, 2),
            text=f"{count:,}",
            hint=f"{label}: {count:,} of {total:,} samples ({count / total:.1%})",
            tone="warning" if count < RARE_SHARE * even else "plain",
        )
        for label, count in counts.items()
    ]


def class_balance_to_come(names: Iterable[str]) -> list[Bar]:
    """The same bars while the classes are still counted, so that nothing moves when the figures come."""
    return [Bar(label=name, percent=0.0, text="…", hint=f"{name}: being counted", tone="plain") for name in names]


def accuracy_by_version(versions: Sequence[tuple[str, float | None]]) -> dict[str, object]:
    """A plotly figure of (version, accuracy), oldest first; versions without a figure leave a gap."""
    known = [accuracy for _, accuracy in versions if accuracy is not None]
    lowest = min(known, default=0.0)
    floor = max(0.0, lowest - max(0.01, (1 - lowest) * 0.5))
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "marker": {"size": 7},
        "line": {"width": 2},
        "connectgaps": False,
        "x": [version for version, _ in versions],
        "y": [accuracy for _, accuracy in versions],
        "hovertemplate": "%{x}: %{y:.4f}<extra></extra>",
    }
    return {
        "data": [trace],
        "layout": {
            "xaxis": {"type": "category", "title": {"text": "version"}},
            "yaxis": {"range": [floor, 1.0 + (1 - floor) * 0.05], "tickformat": ".3f", "title": {"text": "accuracy"}},
        },
    }


def compared_curves(curves: Sequence[Curve], y_label: str) -> dict[str, object]:
    """A plotly figure with one line per curve, for comparing jobs."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": curve["name"],
            "line": {"width": 2},
            "x": list(curve["step"]),
            "y": list(curve["value"]),
        }
        for curve in curves
    ]
    layout = {
        "showlegend": True,
        "hovermode": "x unified",
        "xaxis": {"title": {"text": "step"}},
        "yaxis": {"title": {"text": y_label}},
    }
    return {"data": traces, "layout": layout}


def by_week(weeks: Sequence[str], lines: Mapping[str, Numbers], y_label: str) -> dict[str, object]:
    """A plotly figure with one line per name over weeks (ISO dates of their Mondays); where a value lacks is a gap."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "connectgaps": True,
            "x": list(weeks),
            "y": list(values),
            "hovertemplate": "%{fullData.name}, week of %{x|%d %b %Y}: %{y:.3~f}<extra></extra>",
        }
        for name, values in lines.items()
    ]
    return {"data": traces, "layout": _weekly(weeks, y_label, legend=True)}


def agreement_by_week(
    weeks: Sequence[str], values: Numbers, lows: Numbers, highs: Numbers, samples: Sequence[int]
) -> dict[str, object]:
    """A plotly figure of agreement over weeks with its intervals and lines at 0.667 and 0.8."""
    above = [None if v is None or h is None else h - v for v, h in zip(values, highs, strict=True)]
    below = [None if v is None or low is None else v - low for v, low in zip(values, lows, strict=True)]
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "connectgaps": True,
        "x": list(weeks),
        "y": list(values),
        "customdata": list(samples),
        "error_y": {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1},
        "hovertemplate": "week of %{x|%d %b %Y}: %{y:.3f}, %{customdata} samples<extra></extra>",
    }
    marks = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "opacity": 0.35, "line": {"width": 1}}
        for at in (0.667, 0.8)
    ]
    layout = _weekly(weeks, "agreement (α)", legend=False)
    axis = {
        "range": [min(0.0, *(low for low in lows if low is not None), 0.0), 1.05],
        "title": {"text": "agreement (α)"},
    }
    return {"data": [trace], "layout": {**layout, "yaxis": axis, "shapes": marks}}


def _weekly(weeks: Sequence[str], y_label: str, *, legend: bool) -> dict[str, object]:
    # One point alone would be drawn on an axis of milliseconds.
    return {
        "showlegend": legend,
        "xaxis": {"type": "date", "tickformat": "%d %b", "tickvals": list(weeks)[:: max(1, len(weeks) // 6)]},
        "yaxis": {"title": {"text": y_label}, "rangemode": "tozero"},
    }
