"""Forwards verified webhooks to the apps behind this service, signed for their own URLs."""
