"""A stand-in for Twilio, for the demo, the tests and development against the service.

It imports nothing from the service, so the two cannot share a bug that tests would miss.
"""

from mediapipe.simulator.server import Simulator

__all__ = ["Simulator"]
