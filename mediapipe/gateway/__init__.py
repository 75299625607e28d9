"""Passes verified webhooks on to the apps behind us, signed for their own URLs."""
