"""Bounded HTTP requests to checked addresses."""
