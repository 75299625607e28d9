"""Celery's transport over Redis, with one client for all messages instead of one for each.

Making a client takes longer than what it is made for. Each message needs several: when it is
published, when it is put aside for a worker, when the worker is done with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    """Lends the same client to everybody; its connections are from the same pool as ever."""

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """Yield the given client, or the one of this channel."""
        yield client or self.lent

    @cached_property
    def lent(self) -> Any:
        """The client, which threads may use at the same time."""
        return self._create_client()  # type: ignore[attr-defined]  # the stubs leave it out


class Transport(redis.Transport):
    """What the scheme of a broker's URL leads to."""

    Channel = Channel


def use() -> None:
    """Let every connection to Redis or Valkey from now on be of this kind."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
