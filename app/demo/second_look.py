"""The second look: digits that people label independently, so that quality, review and versions have much to show.

Each digit takes two opinions, given by two of three people in turn; the third reviews it, decides where the two differ,
and was told nothing before. Who errs, and how, is fixed by a seed.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.demo import digits
from app.demo.client import ApiClient
from app.demo.digits import Digit
from app.demo.report import Report

NAME = "Worn meters, second look"
COUNT, TRUTHS, LEFT_OPEN, WAITING = 45, 30, 2, 6
# How often each person errs, in the order of `people`, and what is taken for what.
SLIPS = (0.04, 0.1, 0.2)
CONFUSED = {"1": "7", "7": "1", "3": "8", "8": "3", "4": "9", "9": "4", "5": "6", "6": "5", "0": "8", "2": "7"}


class SecondLook:
    """The dataset under work; `people` are three callers of the API, each signed in as somebody else."""

    def __init__(self, report: Report, people: list[ApiClient]) -> None:
        self.report, self.people = report, people
        self.shown: list[tuple[str, Digit]] = []
        self.path = ""

    def run(self) -> None:
        """All of it, and the facts for the report."""
        lead = self.people[0]
        with self.report.step(f"Dataset {NAME!r}: three people, two independent opinions for each digit") as step:
            self._open(lead)
            answered = self._answer()
            step["result"] = f"{answered} answers to {COUNT} digits; {TRUTHS} of them have a planted truth"
        with self.report.step("Differences decided and labels reviewed by whoever gave no opinion") as step:
            self._review()
            first = lead.post(f"{self.path}/versions", {"message": "What two people agreed on"})
            decided = self._decide()
            second = lead.post(f"{self.path}/versions", {"message": "With the differences that were decided"})
            step["result"] = (
                f"{decided} decided, {LEFT_OPEN} left for you; versions {first['version']} and {second['version']}"
            )
        self.report.facts["second_look"] = {
            "dataset_id": self.path.rsplit("/", 1)[1],
            "answers": answered,
            "decided": decided,
            "versions": [first["version"], second["version"]],
        }

    def _open(self, lead: ApiClient) -> None:
        classes = [{"name": n, "color": c} for n, c in zip(digits.CLASSES, digits.COLOURS, strict=True)]
        body = {
            "name": NAME,
            "description": "Digits that three people read independently of each other.",
            "ai_module": "meter_digits",
            "environment": "dev",
            "label_schema": {"task": "classification", "classes": classes},
        }
        self.path = "/training/datasets/" + lead.post("/training/datasets", body)["id"]
        lead.put(f"{self.path}/opinions", {"opinions_per_sample": 2})
        every = digits.load()[:COUNT]
        ids = digits.upload(lead, self.path.rsplit("/", 1)[1], every, labelled=False)
        lead.put(self.path, {"status": "active"})
        self.shown = list(zip(ids, every, strict=True))
        truths = [{"sample_id": key, "labels": {"class": digit.label}} for key, digit in self.shown[:TRUTHS]]
        lead.post(f"{self.path}/ground-truth", {"samples": truths})

    def _answer(self) -> int:
        """Everybody says what they see, all at the same time; returns how many answers came together."""
        with ThreadPoolExecutor(len(self.people)) as pool:
            return sum(pool.map(self._answers_of, range(len(self.people))))

    def _answers_of(self, number: int) -> int:
        chance = random.Random(number)  # noqa: S311 errors that are the same each time
        mine = [one for place, one in enumerate(self.shown) if _reviewer(place) != number]
        for key, digit in mine:
            said = CONFUSED[digit.label] if chance.random() < SLIPS[number] else digit.label
            self.people[number].put(f"{self.path}/samples/{key}", {"labels": {"class": said}})
        return len(mine)

    def _review(self) -> None:
        """Accept what two agreed on, leave the last for the reader, and send one back with a reason."""
        open_ones = {one["sample_id"] for one in self.people[0].items(f"{self.path}/disagreements")}
        for number, person in enumerate(self.people):
            agreed = [
                key
                for place, (key, _) in enumerate(self.shown[: COUNT - WAITING])
                if _reviewer(place) == number and key not in open_ones
            ]
            if number == 0:
                doubted = agreed.pop()
                reason = {"verified": False, "rejection_reason": "The upper stroke is cut off; look at it again."}
                person.post(f"{self.path}/samples/verify", {"sample_ids": [doubted], **reason})
            person.post(f"{self.path}/samples/verify", {"sample_ids": agreed, "verified": True, "quality_score": 0.9})

    def _decide(self) -> int:
        """Settle all differences but a few; a third person verifies each unless they decided it alone."""
        open_ones = [one["sample_id"] for one in self.people[0].items(f"{self.path}/disagreements")]
        places = {key: place for place, (key, _) in enumerate(self.shown)}
        settled = open_ones[LEFT_OPEN:]
        for key in settled:
            place = places[key]
            judge, digit = self.people[_reviewer(place)], self.shown[place][1]
            opinions = judge.get(f"{self.path}/samples/{key}/opinions")["opinions"]
            right = [one["annotator_id"] for one in opinions if one["labels"].get("class") == digit.label]
            if right:
                choice: dict[str, Any] = {"choice": "opinion", "annotator_id": right[0]}
            else:
                choice = {"choice": "edited", "labels": {"class": digit.label}}
            judge.post(f"{self.path}/samples/{key}/adjudicate", {**choice, "reason": "The strokes are clear enlarged."})
            if right:
                judge.post(f"{self.path}/samples/verify", {"sample_ids": [key], "verified": True})
        return len(settled)


def _reviewer(place: int) -> int:
    """Which of the three gives no opinion about the sample at `place`."""
    return place % len(SLIPS)
