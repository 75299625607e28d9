"""Login by an identity proxy, which sends the user and their groups as headers."""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.backends import RemoteUserBackend
from django.http import HttpRequest

from mediapipe.operations import roles

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger("mediapipe.operations.access_log")

# What Django's form for new users accepts. A header that was sent twice arrives as one value with a
# comma: one of the two may come from the client.
NAME = re.compile(r"[\w.@+-]{1,150}", re.ASCII)
# oauth2-proxy and Authelia write commas, Authentik writes |.
GROUP_SEPARATOR = re.compile("[,|]")


class NoAccess(Exception):
    """The identity proxy sent a user who may not use the admin; the message says why."""


class CompanyBackend(RemoteUserBackend):
    """Creates the users that the proxy sends, and gives them the role of their groups."""

    def authenticate(  # type: ignore[override]  # Django passes what each backend names
        self, request: HttpRequest, remote_user: str
    ) -> User | None:
        """Return the user, None if they are deactivated; raise NoAccess if they have no role."""
        if not NAME.fullmatch(remote_user):
            raise NoAccess(
                f"{settings.REMOTE_USER_HEADER} is not a user name: it needs 1 to 150 ASCII "
                "letters, digits and @ . + - _, and may be sent only once."
            )
        if not role_of(request):
            logger.warning("refused the login of %s, who has no role", remote_user)
            groups = [group for those in settings.REMOTE_GROUPS.values() for group in those]
            raise NoAccess(
                f"{settings.REMOTE_GROUPS_HEADER} contains no group with a role here. Ask for one "
                f"of the groups: {', '.join(groups)}."
            )
        return super().authenticate(request, remote_user)

    def configure_user(  # type: ignore[override]
        self, request: HttpRequest, user: User, created: bool = True
    ) -> User:
        """Give the user the role of their groups, and no more: the proxy decides."""
        if not user.is_active:
            return user
        if created:
            user.set_unusable_password()
        user.is_superuser = False
        user.save(update_fields=["password", "is_superuser"])
        roles.assign(user, role_of(request))
        return user


def role_of(request: HttpRequest) -> str:
    """Return the role with the most permissions among those of the user's groups, or ""."""
    sent = request.headers.get(settings.REMOTE_GROUPS_HEADER, "")
    groups = {group.strip() for group in GROUP_SEPARATOR.split(sent)}
    of_the_groups = [role for role in roles.ROLES if groups & {*settings.REMOTE_GROUPS[role]}]
    return of_the_groups[-1] if of_the_groups else ""


def is_trusted(request: HttpRequest) -> bool:
    """Return whether the peer of this connection is a proxy whose headers are trusted."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        # A Unix socket has no address.
        return False
    # A server that listens on [::] sees IPv4 clients with a mapped address.
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in settings.TRUSTED_PROXIES)
