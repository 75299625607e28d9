"""How large a media item may be, and how long an attempt may take."""

from django.conf import settings

from mediapipe.providers.base import Kind

# Twilio's recordings are WAV files with 8,000 16-bit samples per second and channel, and a call
# ends after four hours by default (Twilio: recording resource, time limit of a call).
RECORDING_BYTES_PER_S = 16_000
LONGEST_CALL_S = 4 * 60 * 60
LONGEST_CALL_BYTES = 44 + 2 * LONGEST_CALL_S * RECORDING_BYTES_PER_S


def max_bytes(kind: str) -> int:
    """Return the size limit of a media item of this kind, in bytes."""
    if kind == Kind.RECORDING:
        # An operator who raised MEDIA_MAX_BYTES for recordings keeps that limit.
        return max(settings.MEDIA_MAX_RECORDING_BYTES, settings.MEDIA_MAX_BYTES)
    return settings.MEDIA_MAX_BYTES


def largest_bytes() -> int:
    """Return the size of the largest media item that is accepted, in bytes."""
    return max_bytes(Kind.RECORDING)


def time_limit_s(received_bytes: int) -> float:
    """Return how many seconds an attempt may take that has received this much of the body.

    Beyond MEDIA_MAX_BYTES the limit grows with the body, at the rate of MEDIA_MAX_BYTES per
    MEDIA_TOTAL_TIMEOUT, so a server gains nothing by sending its bytes slowly.
    """
    return settings.MEDIA_TOTAL_TIMEOUT_S * max(1.0, received_bytes / settings.MEDIA_MAX_BYTES)
