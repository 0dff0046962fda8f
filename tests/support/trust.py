"""A root of trust and approvers whose private keys are here, on "their machines", and never in the database."""

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from app.distribution import repository, signer
from app.distribution.keys import KeyPair
from app.infra.db import transaction
from app.schemas.model_versions import ApprovalProposal, ModelVersionApprove, ModelVersionUpdate, ModelVersionView
from app.schemas.trust import ApproverIn, RootPublish
from app.services import model_versions, trust
from app.tables.base import utcnow
from tests.support.people import Person


@dataclass
class Trusted:
    """Who holds which key. `publish` makes the people approvers."""

    holder: KeyPair = field(default_factory=lambda: KeyPair.generate("Rita Root"))
    keys: dict[int, KeyPair] = field(default_factory=dict)

    def publish(self, *people: Person) -> None:
        """The first root, with a key for each of `people`, published by the first of them."""
        self.keys = {person.id: KeyPair.generate(person.actor.name, person.email) for person in people}
        now = utcnow()
        unsigned = repository.initial_root(
            [self.holder.public],
            [pair.public for pair in self.keys.values()],
            trust.online_key().public,
            now,
            now + timedelta(days=365),
        )
        approvers = [ApproverIn(keyid=self.keys[person.id].keyid, email=person.email) for person in people]
        root = repository.sign_root(unsigned, [self.holder]).decode()
        with transaction() as session:
            trust.publish_root(session, people[0].actor, RootPublish(metadata=root, approvers=approvers))

    def propose(self, person: Person, version_id: UUID) -> ApprovalProposal:
        """What `person` is asked to sign."""
        with transaction() as session:
            return model_versions.proposal(session, person.actor, version_id)

    def sign(self, proposal: ApprovalProposal, key: KeyPair) -> ModelVersionApprove:
        """The approval, made with `key` as on a person's own machine."""
        keyid, signature = signer.sign_payload(base64.b64decode(proposal.payload_base64), key)
        return ModelVersionApprove(payload_base64=proposal.payload_base64, keyid=keyid, signature=signature)

    def approve(self, person: Person, version_id: UUID) -> ModelVersionView:
        """draft or testing → approved, with a real signature of `person`."""
        with transaction() as session:
            if model_versions.get(session, person.actor, version_id).status == "draft":
                model_versions.update(session, person.actor, version_id, ModelVersionUpdate(status="testing"))
        request = self.sign(self.propose(person, version_id), self.keys[person.id])
        with transaction() as session:
            return model_versions.approve(session, person.actor, version_id, request)

    def release(self, person: Person, version_id: UUID) -> ModelVersionView:
        """Approve and release."""
        self.approve(person, version_id)
        with transaction() as session:
            return model_versions.release(session, person.actor, version_id)
