"""Configurations made up by tests, and what the system checks report about them."""

from __future__ import annotations

import ast

from django.core.checks import CheckMessage, run_checks
from environ import Env

from tests.support.commands import ROOT

# No message may show this secret.
CANARY = "hunter2"


def check_messages(*, deploy: bool = False) -> list[CheckMessage]:
    """Return the messages of our own system checks."""
    return run_checks(tags=["mediapipe"], include_deployment_checks=deploy)


def only_message(id: str) -> str:
    """Return text and hint of the one message that the checks report."""
    (message,) = check_messages()
    assert message.id == id
    assert CANARY not in str(message)
    assert message.hint
    return f"{message.msg} {message.hint}"


def env(**values: str) -> Env:
    """Return an environment with only these values."""
    environment = Env()
    environment.ENVIRON = values
    return environment


def settings_names() -> set[str]:
    """Return every variable that the settings read: the first string after `env` in a call."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "mediapipe" / "settings" / "__init__.py").read_text())):
        match node:
            case ast.Call(args=[ast.Name("env"), ast.Constant(str(name)), *_]):
                names.add(name)
    return names
