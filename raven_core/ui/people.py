"""Who somebody is: the name they are logged in with, and the secrets by which they own what they give."""

from __future__ import annotations

import hashlib

import gradio as gr

from raven_core.ui.sitting import Sitting


def login(request: gr.Request | None, profile: gr.OAuthProfile | None) -> str:
    """The name that somebody is logged in with; "" where this page has no login."""
    if profile is not None:
        return str(profile.username)
    return str(getattr(request, "username", None) or "")


def owners(sitting: Sitting | None, request: gr.Request | None, profile: gr.OAuthProfile | None) -> list[str]:
    """All that says "this came from me", the surest first: what is given is given by the first of them.

    A login, else the browser's random number, else (for a program) its session. None of it can be typed into a form.
    """
    known = login(request, profile)
    session = str(getattr(request, "session_hash", None) or "")
    found = [f"login:{known}"] if known else []
    found += [sitting.owner] if sitting is not None else []
    # only its hash: the server's other logs hold the session itself
    return found + ([f"session:{hashlib.sha256(session.encode()).hexdigest()[:32]}"] if session else [])
