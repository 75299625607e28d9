"""From frequent early 404s to a case that Twilio Support can act on."""
