"""What every reason means and what to do about it, as the code itself says it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from mediapipe.admin.pages import page, render_page
from mediapipe.failures import Absence, Failure, FinalFailure, LocalFailure, TransientFailure

# The first match counts: a local failure is a transient failure too.
KINDS: dict[type[Failure], str] = {
    LocalFailure: "local",
    TransientFailure: "transient",
    FinalFailure: "final",
    Absence: "absent",
}


@page("failures/reasons/", name="reasons")
def reasons(request: HttpRequest) -> HttpResponse:
    """Show every reason under an anchor of its own name."""
    rows = [
        (failure.slug, kind_of(failure), failure.meaning(), failure.todo)
        for failure in sorted(Failure.all(), key=lambda failure: failure.slug)
    ]
    return render_page(request, "reasons.html", title="Reasons of failures", reasons=rows)


def kind_of(failure: type[Failure]) -> str:
    """Return in one word who has to do something about it."""
    return next(word for kind, word in KINDS.items() if issubclass(failure, kind))
