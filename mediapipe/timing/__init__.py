"""Queries over many media items: how long they took, and which part of the delay was ours.

Results are the same on SQLite and PostgreSQL. Each query is one index-only pass.
"""
