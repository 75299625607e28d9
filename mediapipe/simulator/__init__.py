"""A stand-in for Twilio, for the demo, the tests and development against the service.

It imports nothing of the service, so a bug there cannot hide itself in both.
"""

from mediapipe.simulator.server import Simulator

__all__ = ["Simulator"]
