"""Review of labels: what waits, what was decided, and truth that is planted to measure annotators."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, status

from app.api.deps import PageQuery, Run, Store
from app.api.guard import guarded_router
from app.api.marks import allow
from app.domain.permissions import Permission
from app.schemas.base import Page
from app.schemas.ground_truth import GroundTruthPlant, GroundTruthView
from app.schemas.review_queue import QueueFilter, ReviewQueue
from app.schemas.reviews import ReviewFilter, ReviewView
from app.services import ground_truth, review_queue

router = guarded_router(prefix="/training/datasets/{dataset_id}", tags=["review"])


class ReviewQuery(ReviewFilter, PageQuery):
    """Which decisions, and which page of them."""


@router.get("/review-queue", summary="Labels that wait for review, the riskiest first")
@allow(Permission.SAMPLES_VERIFY)
def show_review_queue(run: Run, store: Store, dataset_id: UUID, query: Annotated[QueueFilter, Query()]) -> ReviewQueue:
    """The head of the queue: it has no pages, since what is decided leaves it."""
    return run(review_queue.queue, dataset_id, query, store)


@router.get("/reviews", summary="List decisions about labels")
@allow(Permission.DATASETS_READ)
def list_reviews(run: Run, dataset_id: UUID, query: Annotated[ReviewQuery, Query()]) -> Page[ReviewView]:
    return run(review_queue.list_reviews, dataset_id, query.part(ReviewFilter), query.cursor, query.limit)


@router.get("/ground-truth", summary="How many samples have a planted truth")
@allow(Permission.SAMPLES_VERIFY)
def show_ground_truth(run: Run, dataset_id: UUID) -> GroundTruthView:
    return run(ground_truth.show, dataset_id)


@router.post("/ground-truth", summary="Plant what samples really show", status_code=status.HTTP_201_CREATED)
@allow(Permission.SAMPLES_VERIFY)
def plant_ground_truth(run: Run, dataset_id: UUID, request: GroundTruthPlant) -> GroundTruthView:
    """Nothing of the samples changes, and no answer tells which they are."""
    return run.create(ground_truth.plant, dataset_id, request)


@router.delete("/ground-truth", summary="Forget all planted truths")
@allow(Permission.SAMPLES_VERIFY)
def remove_ground_truth(run: Run, dataset_id: UUID) -> GroundTruthView:
    return run(ground_truth.remove, dataset_id)
