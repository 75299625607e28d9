"""A stand-in for Twilio, for the demo, the tests and users' own development.

It imports nothing of the service, so that it can judge it.
"""

from mediapipe.simulator.server import Simulator

__all__ = ["Simulator"]
