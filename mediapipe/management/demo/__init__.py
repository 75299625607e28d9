"""The demonstration behind `make demo`: the real service against the simulated Twilio."""
