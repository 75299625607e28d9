"""Reads, checks, stores and watches the webhook URLs that are configured at Twilio."""
