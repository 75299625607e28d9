"""Celery tasks and nothing else: load a row by its id, make one call."""
