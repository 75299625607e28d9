from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from mediapipe.admin.pages import filtered_rows_with_label, page, render_page
from mediapipe.admin.text import counted
from mediapipe.escalation.report.case import Case, NothingToReport, build_case
from mediapipe.escalation.report.chart import render_svg
from mediapipe.escalation.report.package import (
    CONTENTS,
    package_name,
    preview_package,
    write_package,
)
from mediapipe.escalation.report.rows import Row, flat
from mediapipe.models import Incident, MediaItem
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.operations.audit_log import log_action

MAY_EXPORT = "mediapipe.export_mediaitem"
# More items take longer than the minute that proxies wait; the command has no limit.
MAX_IN_BROWSER = 20_000
# Rows of media.csv, shown side by side.
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class PackageSelection:
    """The media items of a package, with a description of the selection.

    `fields` are hidden inputs that repeat the selection in the next request.
    """

    media: MediaQuerySet
    label: str
    fields: Sequence[tuple[str, str]] = ()
    incident: Incident | None = None


@page("incidents/<int:pk>/package/", name="incident_package", permission=MAY_EXPORT)
def package_of_incident(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Preview or download the package of the media that an incident affected."""
    incident = get_object_or_404(Incident, pk=pk)
    media: Any = incident.media.all()
    return _preview_or_download(request, PackageSelection(media, str(incident), incident=incident))


def package_selected(request: HttpRequest, selected: QuerySet[MediaItem]) -> HttpResponseBase:
    """Preview or download the package of the ticked items."""
    media: Any = selected
    fields = [("action", "package"), ("select_across", request.POST.get("select_across", "0"))]
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
    fields += [(ACTION_CHECKBOX_NAME, pk) for pk in ticked]
    return _preview_or_download(request, PackageSelection(media, "selected in the list", fields))


def package_all(model_admin: admin.ModelAdmin[Model], request: HttpRequest) -> HttpResponseBase:
    """Preview or download the package of all items that match the list's filters."""
    return _preview_or_download(
        request, PackageSelection(*filtered_rows_with_label(model_admin, request))
    )


def _preview_or_download(request: HttpRequest, chosen: PackageSelection) -> HttpResponseBase:
    zone, problem = _zone(request)
    try:
        case = build_case(chosen.media, zone=zone)
    except NothingToReport as nothing:
        return _page(request, chosen, nothing=str(nothing))
    small = case.affected.count() <= MAX_IN_BROWSER
    if "download" in request.POST and small and not problem:
        return _download(request, chosen, case)
    return _preview(request, chosen, case, problem)


def _download(request: HttpRequest, chosen: PackageSelection, case: Case) -> HttpResponseBase:
    # Closing the response deletes the file.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    found = write_package(case, file)
    count = counted(found.affected, "media item")
    log_action(request.user, chosen.label, f"Created a package for Twilio Support with {count}.")
    file.seek(0)
    return FileResponse(
        file,
        as_attachment=True,
        filename=f"{package_name(case)}.zip",
        content_type="application/zip",
        headers={"Cache-Control": "private, no-store"},
    )


def _preview(
    request: HttpRequest, chosen: PackageSelection, case: Case, problem: str
) -> HttpResponseBase:
    seen = preview_package(case)
    picture = base64.b64encode(render_svg(case, seen.figures)).decode()
    return _page(
        request,
        chosen,
        case=case,
        name=package_name(case),
        contents=CONTENTS,
        figures=seen.figures,
        message=seen.message,
        examples=_by_column(seen.examples),
        picture=f"data:image/svg+xml;base64,{picture}",
        problem=problem,
        zones=sorted(available_timezones()),
        most=MAX_IN_BROWSER,
    )


def _by_column(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the cells by column, because the table has more columns than fit on a page."""
    shown = [flat(row) for row in rows[:SHOWN_ROWS]]
    return [{"name": name, "cells": [row[name] for row in shown]} for name in shown[0]]


def _page(request: HttpRequest, chosen: PackageSelection, **context: Any) -> HttpResponseBase:
    title = "Package for Twilio Support"
    return render_page(request, "package.html", title=title, chosen=chosen, **context)


def _zone(request: HttpRequest) -> tuple[ZoneInfo, str]:
    """Return the requested time zone and "", or TIME_ZONE and an error message."""
    name = str(request.POST.get("tz") or settings.TIME_ZONE).strip()
    try:
        return ZoneInfo(name), ""
    except (KeyError, ValueError, OSError):
        problem = f"There is no time zone “{name}”; write for example Europe/Berlin."
        return ZoneInfo(settings.TIME_ZONE), problem
