"""Recoding every label of a dataset at once: what a schema plan says of each, in SQL.

The rule is `app.domain.schema_changes.recoded`; here the database applies it, and nothing of the
labels passes through memory. One question (`_RECODED`) serves the preview and the change itself, so what a
preview showed is what is done. It looks at the samples that name a class whose labels may change, and at nothing else.

A table that holds labels of a dataset has to stand in `_SOURCES`, or its labels would keep classes that are gone; a
test looks for tables that hold labels and are not there.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from app.domain.labels import Task
from app.domain.schema_changes import UNDECIDED, End, SchemaPlan
from app.tables.base import utcnow

SAMPLES, OPINIONS, TRUTHS = "training_samples", "sample_annotations", "ground_truths"
_SOURCES = {
    SAMPLES: "SELECT id, id AS sample_id, is_verified, labels, annotations FROM training_samples"
    " WHERE dataset_id = :dataset AND is_labeled AND class_names && CAST(:touched AS text[])",
    OPINIONS: "SELECT o.id, o.sample_id, false AS is_verified, o.labels, o.annotations FROM sample_annotations o"
    " JOIN training_samples s ON s.id = o.sample_id WHERE s.dataset_id = :dataset",
    TRUTHS: "SELECT sample_id AS id, sample_id, false AS is_verified, labels, annotations FROM ground_truths"
    " WHERE dataset_id = :dataset",
}
# The labels that name a touched class, and the classes that a label names one by one.
_TOUCHED = {
    Task.CLASSIFICATION: "t.labels->>'class' = ANY(CAST(:touched AS text[]))",
    Task.MULTILABEL: "t.labels->'classes' ?| CAST(:touched AS text[])",
    Task.DETECTION: "jsonb_path_query_array(t.annotations, '$[*].class') ?| CAST(:touched AS text[])",
}
_NAMED = {
    Task.CLASSIFICATION: "SELECT 1::bigint AS place, t.labels->>'class' AS old, NULL::jsonb AS box",
    Task.MULTILABEL: "SELECT e.place, e.value #>> '{}' AS old, NULL::jsonb AS box"
    " FROM jsonb_array_elements(t.labels->'classes') WITH ORDINALITY AS e(value, place)",
    Task.DETECTION: "SELECT e.place, e.value->>'class' AS old, e.value AS box"
    " FROM jsonb_array_elements(t.annotations) WITH ORDINALITY AS e(value, place)",
}
# What becomes of one of them (`new`, or `undecided`). OFFSET 0 keeps each step from being computed once per mention.
_FATE = """
    CROSS JOIN LATERAL (SELECT CAST(:rules AS jsonb) -> i.old AS rule OFFSET 0) r
    CROSS JOIN LATERAL (SELECT CAST(:cases AS jsonb) #> ARRAY[i.old,
        CASE WHEN (r.rule->'chosen')::boolean THEN t.sample_id::text ELSE i.box->'attributes'->>(r.rule->>'by') END
        ] AS one_case OFFSET 0) c
    CROSS JOIN LATERAL (SELECT
        CASE WHEN r.rule IS NULL THEN i.old ELSE coalesce(c.one_case, r.rule)->>'becomes' END AS new,
        coalesce((coalesce(c.one_case, r.rule)->'undecided')::boolean, false) AS undecided,
        coalesce((r.rule->'chosen')::boolean, false) AS chosen OFFSET 0) f
    CROSS JOIN LATERAL (SELECT CASE WHEN r.rule IS NOT NULL AND f.new IS NOT NULL AND i.box->'attributes' <> '{}' THEN (
        SELECT jsonb_build_object('lost', count(*) FILTER (WHERE NOT fits),
            'kept', coalesce(jsonb_object_agg(key, value) FILTER (WHERE fits), '{}'))
        FROM (SELECT a.key, a.value, coalesce(CASE d.attribute->>'type'
                WHEN 'flag' THEN jsonb_typeof(a.value) = 'boolean'
                WHEN 'number' THEN jsonb_typeof(a.value) = 'number'
                WHEN 'text' THEN jsonb_typeof(a.value) = 'string'
                WHEN 'choice' THEN jsonb_typeof(a.value) = 'string' AND d.attribute->'choices' ? (a.value #>> '{}')
                END, false) AS fits
            FROM jsonb_each(i.box->'attributes') a
            CROSS JOIN LATERAL (SELECT CAST(:declared AS jsonb) #> ARRAY[f.new, a.key] AS attribute) d) each
        ) END AS attributes OFFSET 0) k
"""
# The label as it will be; the other column keeps what it has.
_NEW = {
    Task.CLASSIFICATION: "jsonb_build_object('class', max(f.new)) AS labels, '[]'::jsonb AS annotations",
    Task.MULTILABEL: """jsonb_build_object('classes', (
        SELECT coalesce(jsonb_agg(e.name ORDER BY e.place), '[]')
        FROM jsonb_array_elements_text(CAST(:names AS jsonb)) WITH ORDINALITY AS e(name, place)
        WHERE e.name = ANY(array_agg(f.new)))) AS labels, '[]'::jsonb AS annotations""",
    Task.DETECTION: """'{}'::jsonb AS labels, coalesce(jsonb_agg(CASE WHEN r.rule IS NULL THEN i.box
        ELSE i.box || jsonb_build_object('class', f.new, 'attributes', coalesce(k.attributes->'kept', '{}')) END
        ORDER BY i.place) FILTER (WHERE f.new IS NOT NULL), '[]') AS annotations""",
}
_RECODED = """
    WITH recoded AS (
        SELECT t.id, t.is_verified, t.labels AS old_labels, t.annotations AS old_annotations, v.*
        FROM ({source}) t CROSS JOIN LATERAL (
            SELECT count(*) AS items, {lost} AS unlabelled,
                bool_or(f.chosen AND f.new IS DISTINCT FROM i.old) AS chosen,
                bool_or(f.undecided OR f.new IS DISTINCT FROM i.old OR (k.attributes->'lost')::int > 0) AS changed,
                count(*) FILTER (WHERE f.new IS NULL) AS dropped,
                coalesce(sum((k.attributes->'lost')::int), 0) AS stripped,
                {new}
            FROM ({named}) i {fate}
        ) v WHERE {touched}
    )
"""
_TOTALS = """
    SELECT count(*) FILTER (WHERE changed) AS changed,
        count(*) FILTER (WHERE unlabelled) AS unlabelled,
        count(*) FILTER (WHERE is_verified AND (unlabelled OR chosen)) AS verified_lost,
        coalesce(sum(CASE WHEN unlabelled THEN items ELSE dropped END), 0)::bigint AS labels_removed,
        coalesce(sum(stripped) FILTER (WHERE NOT unlabelled), 0)::bigint AS stripped,
        coalesce(sum(jsonb_hash_extended(old_labels, jsonb_hash_extended(old_annotations,
            uuid_hash_extended(id, is_verified::int)))::numeric), 0)::text AS fingerprint
    FROM recoded
"""
_FATES = """
    SELECT i.old AS class_name, f.new AS becomes, count(*) AS labels, count(DISTINCT t.sample_id) AS samples,
        count(DISTINCT t.sample_id) FILTER (WHERE t.is_verified) AS verified_samples,
        CASE WHEN f.undecided THEN 'unlabelled' WHEN f.new IS NULL THEN '{gone}' WHEN f.new <> i.old THEN 'recoded'
            ELSE 'kept' END AS outcome
    FROM ({source}) t CROSS JOIN LATERAL ({named}) i {fate}
    WHERE {touched} AND (f.undecided OR f.new IS DISTINCT FROM i.old OR (k.attributes->'lost')::int > 0)
    GROUP BY i.old, f.new, f.undecided ORDER BY i.old, f.new NULLS LAST, f.undecided
"""
_CHANGE_SAMPLES = """
    UPDATE training_samples s SET
        labels = CASE WHEN v.unlabelled THEN '{}' ELSE v.labels END,
        annotations = CASE WHEN v.unlabelled THEN '[]' ELSE v.annotations END,
        is_labeled = NOT v.unlabelled,
        labeled_by = CASE WHEN v.unlabelled THEN NULL WHEN v.chosen THEN :actor ELSE s.labeled_by END,
        is_verified = s.is_verified AND NOT (v.unlabelled OR v.chosen),
        verified_by = CASE WHEN v.unlabelled OR v.chosen THEN NULL ELSE s.verified_by END,
        quality_score = CASE WHEN v.unlabelled OR v.chosen THEN NULL ELSE s.quality_score END,
        rejection_reason = CASE WHEN v.unlabelled OR v.chosen THEN NULL ELSE s.rejection_reason END,
        updated_at = :now
    FROM recoded v WHERE v.changed AND s.id = v.id
"""
# When somebody said it stays what it was: how fast people are is measured by it.
_CHANGE_SAID = """
    UPDATE {table} o SET labels = v.labels, annotations = v.annotations
    FROM recoded v WHERE v.changed AND NOT v.unlabelled AND o.{key} = v.id
"""
_FORGET_SAID = "DELETE FROM {table} o USING recoded v WHERE v.unlabelled AND o.{key} = v.id"
# Whoever said it is asked again, and nothing is left to adjudicate before that.
_FORGET_OPINIONS = """
    , gone AS (DELETE FROM sample_annotations o USING recoded v WHERE v.unlabelled AND o.id = v.id
        RETURNING o.sample_id, o.annotator_id)
    , settled AS (DELETE FROM sample_disagreements d USING gone g WHERE d.sample_id = g.sample_id)
    UPDATE sample_assignments a SET done_at = NULL FROM gone g
    WHERE a.sample_id = g.sample_id AND a.annotator_id = g.annotator_id
"""


@dataclass(frozen=True)
class Totals:
    """What a plan does to one table of labels. `fingerprint` names every label that it looked at."""

    changed: int
    unlabelled: int
    verified_lost: int
    labels_removed: int
    stripped: int
    fingerprint: str


class Recoding:
    """A plan against the labels that a dataset has now. The caller holds the lock of the dataset to change them."""

    def __init__(self, session: Session, dataset_id: UUID, plan: SchemaPlan) -> None:
        self._session, self._task = session, plan.task
        self._values = {"dataset": dataset_id, **_parameters(plan)}

    def totals(self, table: str) -> Totals:
        """What would change in `table`."""
        return Totals(**self._run(_RECODED + _TOTALS, table).mappings().one())

    def fates(self) -> list[dict[str, Any]]:
        """What would become of the agreed labels, class by class."""
        return [dict(row) for row in self._run(_FATES, SAMPLES).mappings()]

    def carry_out(self, actor_id: int, *, forgets: bool, changes: bool) -> None:
        """Change the agreed labels, every opinion, and what is known beforehand of samples.

        `forgets`, `changes`: whether the preview found opinions that go, and others that become something else.
        """
        if forgets:
            self._run(_RECODED + _FORGET_OPINIONS, OPINIONS)
        if changes:
            self._run(_RECODED + _CHANGE_SAID, OPINIONS)
        self._run(_RECODED + _FORGET_SAID, TRUTHS)
        self._run(_RECODED + _CHANGE_SAID, TRUTHS)
        self._run(_RECODED + _CHANGE_SAMPLES, SAMPLES, actor=actor_id, now=utcnow())

    def _run(self, question: str, table: str, **more: Any) -> Any:
        single = self._task is Task.CLASSIFICATION
        parts = {
            "table": table,
            "key": "sample_id" if table == TRUTHS else "id",
            "source": _SOURCES[table],
            "named": _NAMED[self._task],
            "touched": _TOUCHED[self._task],
            "fate": _FATE,
            "new": _NEW[self._task],
            # A sample of one class that goes has no label any more.
            "lost": "bool_or(f.undecided OR f.new IS NULL)" if single else "bool_or(f.undecided)",
            "gone": "unlabelled" if single else "removed",
        }
        statement = question
        for name, part in parts.items():
            statement = statement.replace(f"{{{name}}}", part)
        return self._session.execute(text(statement), {**self._values, **more})  # type: ignore[deprecated]


def _parameters(plan: SchemaPlan) -> dict[str, Any]:
    """The plan as JSON: a rule for each touched class, the cases of splits, what classes declare, and their order."""
    fates = {name: plan.fates[name] for name in plan.touched}
    values: dict[str, Any] = {
        "rules": {name: {"by": fate.by, "chosen": fate.chosen, **_end(fate.end)} for name, fate in fates.items()},
        "cases": {name: {key: _end(end) for key, end in fate.cases.items()} for name, fate in fates.items()},
        "declared": {
            known["name"]: {entry["name"]: entry for entry in known.get("attributes") or ()} for known in plan.classes
        },
        "names": [known["name"] for known in plan.classes],
    }
    return {"touched": list(fates), **{name: json.dumps(value) for name, value in values.items()}}


def _end(end: End) -> dict[str, Any]:
    return {"becomes": end or None, "undecided": end is UNDECIDED}
