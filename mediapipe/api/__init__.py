"""The read-only JSON API for programs that go on with what is stored."""
