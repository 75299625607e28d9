"""Queries over many media items: how long they took, and which part of the delay was ours.

Results are the same on SQLite and PostgreSQL, and with and without the counts of whole hours.
"""
