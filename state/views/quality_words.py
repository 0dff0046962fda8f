"""What the figures of the quality report mean, in words for people who are no statisticians."""

from collections.abc import Mapping

from app.schemas.quality import BehindFilter, EstimateView, QualityReport

# Krippendorff's own rule of thumb (Content Analysis): rely on α from 0.800 on; conclude tentatively from 0.667 on.
GOOD, FAIR = 0.8, 0.667
FEW = 30


class Called:
    """How people are called on the page: by name, or by number for those who may not see accounts."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names

    def __call__(self, person: int | None) -> str:
        return "the verified label" if person is None else self._names.get(person) or f"Annotator {person}"


class Names(Called):
    """The people of a report."""

    def __init__(self, report: QualityReport) -> None:
        super().__init__({one.annotator_id: one.name for one in report.annotators if one.name})


def counts(report: QualityReport) -> str:
    """What was measured."""
    people = len(report.annotators) + report.more_annotators
    return (
        f"{report.samples:,} {_plural(report.samples, 'sample')} labelled by {people:,} "
        f"{_plural(people, 'person', 'people')}; {report.compared:,} by two or more of them"
    )


def caution(report: QualityReport) -> str:
    """What to keep in mind about the figures as a whole; empty if nothing."""
    notes = []
    if not report.is_complete:
        notes.append(f"Measured on {report.samples:,} samples drawn at random, since there are many more.")
    if 0 < report.compared < FEW:
        notes.append(
            f"Only {report.compared} samples have two or more labels. Look at the intervals rather than at the figures."
        )
    return " ".join(notes)


def behind_title(wanted: BehindFilter, called: Called) -> str:
    """What the samples behind a figure have in common."""
    if wanted.against == "verified":
        who = called(wanted.annotator) if wanted.annotator else "somebody"
        if wanted.seen_as is not None:
            return f"Verified as {wanted.label}; {who} said {wanted.seen_as}"
        return f"Where {who} said something else than the verified label"
    one = called(wanted.annotator) if wanted.annotator else "one"
    two = called(wanted.other) if wanted.other else "another"
    if wanted.seen_as is not None:
        return f"{one[:1].upper()}{one[1:]} said {wanted.label}, {two} said {wanted.seen_as}"
    about = f" about {wanted.label}" if wanted.label else ""
    week = f", labels from {wanted.since:%d %b %Y} on" if wanted.since else ""
    people = f"{one} and {two} differ" if wanted.annotator else "people differ"
    return f"Where {people}{about}{week}"


def planted(people: int) -> str:
    """What was found against planted truth."""
    if not people:
        return (
            "Nobody can be measured yet: no truth is planted, or nobody else than you has answered five planted "
            "samples. The review page plants them."
        )
    return f"{people:,} {_plural(people, 'person was', 'people were')} measured. Your own figure is kept from you."


def verdict(alpha: EstimateView) -> tuple[str, str]:
    """What α says, in words, and its tone."""
    if alpha.value is None:
        return "It cannot be told: everybody gave the same class to everything, as chance alone would.", "plain"
    if alpha.value >= GOOD:
        return "Good: labels like these can be relied on.", "good"
    if alpha.value >= FAIR:
        return "Fair: enough for tentative conclusions. The classes below show where rules are missing.", "fair"
    if alpha.value >= 0:
        return "Low: people do not mean the same by the classes. Agree on rules before labelling more.", "low"
    return "Worse than chance: people differ systematically. Look at the confusions below.", "low"


def _plural(count: int, one: str, more: str = "") -> str:
    return one if count == 1 else more or f"{one}s"
