"""Made-up history for trying out the admin at scale. The same seed makes the same history."""
