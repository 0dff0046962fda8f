"""Several people about one sample: their opinions, where they differ, and what is decided."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.api.deps import PageQuery, Run, Store
from app.api.etags import CHECKS_TAG, IfMatchIn, tagged
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.datasets import DatasetView
from app.schemas.opinions import (
    Adjudicate,
    DecisionFilter,
    DecisionView,
    DisagreementFilter,
    DisagreementView,
    OpinionProgress,
    OpinionSettings,
    OpinionsView,
)
from app.schemas.samples import SampleLabel
from app.services import adjudication, opinion_views

router = guarded_router(prefix="/training", tags=["opinions"])


class DisagreementQuery(DisagreementFilter, PageQuery):
    """In which order, and which page."""


class DecisionQuery(DecisionFilter, PageQuery):
    """In which order, and which page."""


@router.get("/datasets/{dataset_id}/opinions", summary="Show how far the opinions of a dataset are")
@allow(Permission.DATASETS_READ)
def show_progress(run: Run, dataset_id: UUID) -> OpinionProgress:
    return run(opinion_views.progress, dataset_id)


@router.put("/datasets/{dataset_id}/opinions", summary="Say how many opinions samples take", responses=CHECKS_TAG)
@allow(Permission.DATASETS_WRITE)
def configure_opinions(
    run: Run, response: Response, dataset_id: UUID, request: OpinionSettings, if_match: IfMatchIn
) -> DatasetView:
    return tagged(response, run(adjudication.configure, dataset_id, request, if_match))


@router.get("/datasets/{dataset_id}/disagreements", summary="List samples about which people differ")
@allow(Permission.DATASETS_READ)
def list_disagreements(
    run: Run, store: Store, dataset_id: UUID, query: Annotated[DisagreementQuery, Query()]
) -> Page[DisagreementView]:
    wanted = query.part(DisagreementFilter)
    return run(opinion_views.list_disagreements, dataset_id, wanted, store, query.cursor, query.limit)


@router.get("/datasets/{dataset_id}/decisions", summary="List decisions between opinions")
@allow(Permission.DATASETS_READ)
def list_decisions(run: Run, dataset_id: UUID, query: Annotated[DecisionQuery, Query()]) -> Page[DecisionView]:
    return run(opinion_views.list_decisions, dataset_id, query.part(DecisionFilter), query.cursor, query.limit)


@router.get("/datasets/{dataset_id}/samples/{sample_id}/opinions", summary="Show the opinions about a sample")
@allow(Permission.DATASETS_READ)
def show_opinions(run: Run, dataset_id: UUID, sample_id: UUID) -> OpinionsView:
    return run(opinion_views.show, dataset_id, sample_id)


@router.put("/datasets/{dataset_id}/samples/{sample_id}/opinions/mine", summary="Give your opinion about a sample")
@allow(Permission.DATASETS_WRITE)
def give_opinion(run: Run, dataset_id: UUID, sample_id: UUID, request: SampleLabel) -> OpinionsView:
    return run(adjudication.give, dataset_id, sample_id, request)


@router.post("/datasets/{dataset_id}/samples/{sample_id}/adjudicate", summary="Decide between opinions")
@allow(Permission.DATASETS_WRITE)
def adjudicate(run: Run, dataset_id: UUID, sample_id: UUID, request: Adjudicate) -> OpinionsView:
    return run(adjudication.adjudicate, dataset_id, sample_id, request)


@router.post("/consensus/{decision_id}/undo", summary="Undo a decision between opinions")
@allow(Permission.DATASETS_WRITE)
def undo_decision(run: Run, decision_id: UUID) -> DecisionView:
    return run(adjudication.undo, decision_id)
