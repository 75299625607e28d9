"""Sums that only ever grow, so that nobody has to count a million rows to know them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models import F

Counts = Mapping[tuple[str, str], float]


class Counter(models.Model):
    """How much of something there has been so far, by one label: `failed`, `not_ready`, 17."""

    name = models.CharField(max_length=32)
    label = models.CharField(max_length=40, blank=True)
    value = models.FloatField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["name", "label"], name="one_row_a_tally")]

    def __str__(self) -> str:
        return f"{self.name} {self.label}: {self.value:g}"

    @classmethod
    def add(cls, counts: Counts) -> None:
        """Add to each of these tallies, by their names and labels, what is not 0."""
        for (name, label), more in counts.items():
            if more:
                row, _ = cls.objects.get_or_create(name=name, label=label)
                cls.objects.filter(pk=row.pk).update(value=F("value") + more)

    @classmethod
    def by_name(cls) -> dict[str, dict[str, float]]:
        """Return every tally: its values by label, by name."""
        found: dict[str, dict[str, float]] = {}
        for name, label, value in cls.objects.values_list("name", "label", "value"):
            found.setdefault(name, {})[label] = value
        return found


class Watermark(models.Model):
    """How far a kind of row has been added to the tallies: up to a time, or to an id.

    Ids up to `seen` were there at the last count. Only these are counted at the next, because a
    transaction that was still open then may have had a lower one.
    """

    stream = models.CharField(max_length=32, unique=True)
    until = models.DateTimeField(null=True)
    counted = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.stream

    @classmethod
    def of(cls, stream: str) -> Watermark:
        """Return the mark of a kind of row, locked until the end of the transaction."""
        cls.objects.get_or_create(stream=stream)
        return cls.objects.select_for_update().get(stream=stream)
