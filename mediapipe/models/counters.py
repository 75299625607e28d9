from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models import F

# Increments by the counter's name and label.
Counts = Mapping[tuple[str, str], float]


class Counter(models.Model):
    """A sum that only grows, for one label: `failed`, `not_ready`, 17."""

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
        for (name, label), increment in counts.items():
            if increment:
                row, _ = cls.objects.get_or_create(name=name, label=label)
                cls.objects.filter(pk=row.pk).update(value=F("value") + increment)

    @classmethod
    def by_name(cls) -> dict[str, dict[str, float]]:
        """Return the values of all counters, by name and then by label."""
        values: dict[str, dict[str, float]] = {}
        for name, label, value in cls.objects.values_list("name", "label", "value"):
            values.setdefault(name, {})[label] = value
        return values


class Watermark(models.Model):
    """How far a stream of rows has been counted: up to a time (`until`) or an id (`counted`).

    `seen` is the highest id at the last run, and the next run counts up to it. Ids are assigned
    before the commit, so a transaction that was open at the last run may have had a lower one.
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
    def lock(cls, stream: str) -> Watermark:
        """Return the watermark of a stream, locked until the end of the transaction."""
        cls.objects.get_or_create(stream=stream)
        return cls.objects.select_for_update().get(stream=stream)
