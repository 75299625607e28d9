"""How long it took, and whose delay it was: the questions about many items, as queries.

Every answer is the same on SQLite and PostgreSQL, and costs one pass over an index that has all
that is asked for.
"""
