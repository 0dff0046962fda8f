"""Samples of a dataset with real files, and their verification, as people would have made them."""

from uuid import UUID

import httpx

from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.schemas.samples import SampleFilter, SamplesVerify
from app.services import reviews, samples
from tests.support import people
from tests.support.images import add_samples, png
from tests.support.people import Person


def add_pictures(web_url: str, owner: Person, dataset_id: UUID, count: int) -> None:
    """Samples with real files through the API, half of each class, labelled by `owner`."""
    headers = {"Authorization": f"Bearer {people.make_token(owner)}"}
    with httpx.Client(base_url=web_url, headers=headers, trust_env=False, timeout=30) as client:
        for place, label in enumerate(("zero", "one")):
            add_samples(client, dataset_id, [png(number) for number in range(place, count, 2)], label)


def verify_all(person: Person, dataset_id: UUID) -> None:
    """`person` accepts every label of the dataset."""
    with transaction() as session:
        found = samples.list_samples(session, person.actor, dataset_id, SampleFilter(), get_object_store())
        wanted = SamplesVerify(sample_ids=[item.id for item in found.items])
        reviews.verify_many(session, person.actor, dataset_id, wanted)
