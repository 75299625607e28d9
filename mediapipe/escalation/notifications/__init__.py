"""How people are told of an incident: what is said, and over which channel."""
