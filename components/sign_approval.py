"""The approval signer: a person's key signs in the browser and never leaves it (see ``sign_approval.jsx``)."""

from __future__ import annotations

from typing import Any, ClassVar

import reflex as rx

from components.browser import browser_module


class SignApproval(rx.Component):
    """Key file + passphrase → Ed25519 signature over exactly the proposed bytes."""

    library = browser_module("sign_approval.jsx")
    tag = "SignApproval"
    lib_dependencies: ClassVar[list[str]] = ["jose@6.2.17"]

    payload_base64: rx.Var[str]
    summary: rx.Var[str]
    target: rx.Var[str]
    disabled: rx.Var[bool]
    submit_label: rx.Var[str]
    on_signed: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, str])]
    on_cancel: rx.EventHandler[rx.event.no_args_event_spec]


def sign_approval(
    *,
    payload_base64: rx.Var[str] | str,
    summary: rx.Var[str] | str,
    on_signed: Any,
    target: rx.Var[str] | str = "",
    disabled: rx.Var[bool] | bool = False,
    on_cancel: Any = None,
    submit_label: str = "Sign approval",
) -> rx.Component:
    """Asks for key file and passphrase and calls ``on_signed({"keyid": …, "signature": <lower-case hex>})``.

    ``payload_base64`` is the canonical JSON of the proposed TUF ``signed`` part. With ``target`` (a TUF target path)
    the component reads digest, length and expiry **out of those bytes**, shows them, and refuses to sign when the
    target is not in them: what the person reads is what the person signs.
    """
    events = {"on_cancel": on_cancel} if on_cancel is not None else {}
    return SignApproval.create(
        payload_base64=payload_base64,
        summary=summary,
        target=target,
        disabled=disabled,
        submit_label=submit_label,
        on_signed=on_signed,
        data_testid="sign-approval",
        **events,
    )
