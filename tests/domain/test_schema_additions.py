"""What an import adds to a label schema, as changes that a plan can take."""

from app.domain.schema_additions import additions, in_words
from app.domain.schema_changes import SchemaPlan

CUT = {"name": "cut", "type": "flag", "choices": []}
STAGE = {"name": "stage", "type": "choice", "choices": ["young", "old"]}
CELL = {"name": "cell", "color": "#112233", "key": "c"}
BEFORE = {"task": "detection", "classes": [CELL]}
DUST = {"name": "dust", "color": "#445566", "key": None, "attributes": [STAGE]}
AFTER = {"task": "detection", "classes": [{**CELL, "attributes": [CUT]}, DUST]}


def test_additions_lead_a_plan_to_the_wider_schema() -> None:
    plan = SchemaPlan(BEFORE)
    for change in additions(BEFORE, AFTER):
        if change["change"] == "add":
            plan.add(change["new"])
        else:
            plan.edit(change["class"], {"attributes": change["attributes"]})
    assert plan.schema == AFTER


def test_nothing_is_added_to_a_schema_that_lacks_nothing() -> None:
    assert additions(AFTER, AFTER) == []
    assert in_words(AFTER, AFTER) == []


def test_additions_are_said_a_line_for_each_class() -> None:
    assert in_words(BEFORE, AFTER) == ["attributes of class cell: cut (flag)", "class dust, with stage (choice)"]
