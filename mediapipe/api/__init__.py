"""The read-only JSON API for programs that process the stored media."""
