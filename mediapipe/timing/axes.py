from __future__ import annotations

import math
from dataclasses import dataclass

# With more marks their labels would overlap.
MAX_TICKS = 12


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a chart: `low` is drawn at `begin` and `high` at `end`, in SVG units.

    A logarithmic axis shows values above zero only.
    """

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the position of a value."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return round(self.begin + (value - low) / (high - low) * (self.end - self.begin), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels of round values."""
        values = self._powers() if self.logarithmic else self._multiples()
        return [(self.at(value), f"{value:,.10g}") for value in values]

    def _powers(self) -> list[float]:
        exponents = range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)
        digits = (1, 2, 5) if 3 * len(exponents) <= MAX_TICKS else (1,)
        values = [digit * 10.0**exponent for exponent in exponents for digit in digits]
        return [value for value in values if self.low <= value <= self.high]

    def _multiples(self) -> list[float]:
        length = self.high - self.low
        power = 10.0 ** math.floor(math.log10(length))
        step = next(part * power for part in (1, 0.5, 0.2) if length / (part * power) >= 4)
        # Rounded, because 0.7 / 0.1 is slightly less than 7.
        first = math.ceil(round(self.low / step, 6))
        last = math.floor(round(self.high / step, 6))
        return [number * step for number in range(first, last + 1)]


def whole_decades(values: list[float]) -> tuple[float, float]:
    """Return the powers of ten that enclose these values, which are above zero."""
    low = math.floor(math.log10(min(values)))
    return 10.0**low, 10.0 ** max(math.ceil(math.log10(max(values))), low + 1)
