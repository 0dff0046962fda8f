"""Signing in and out in the browser (see ``sign_in_form.jsx``): by the API, and always followed by a full page load."""

from __future__ import annotations

import reflex as rx
from reflex.vars import VarData
from reflex_base.utils.imports import ImportVar

from components.browser import browser_module

_MODULE = browser_module("sign_in_form.jsx")


class SignInForm(rx.Component):
    """E-mail and password, or single sign-on where the server has it; goes on to the page that was asked for."""

    library = _MODULE
    tag = "SignInForm"


def sign_in_form(*without_single_sign_on: rx.Component) -> rx.Component:
    """The form. What is given takes the place of the button for single sign-on where there is none.

    data-testid: sign-in-email, sign-in-password, sign-in-submit, sign-in-error, sign-in-oidc, sign-in-problem.
    """
    return SignInForm.create(*without_single_sign_on, data_testid="sign-in")


def sign_out() -> rx.Var:
    """For ``on_click``: ends the session in the browser and leads to the sign-in page."""
    imports = {_MODULE: [ImportVar(tag="signOut", is_default=False)]}
    return rx.Var("(() => signOut())", _var_data=VarData(imports=imports)).to(rx.vars.FunctionVar)
