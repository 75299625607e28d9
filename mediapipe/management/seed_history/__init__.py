"""A made-up past: what a service of this kind would have seen, for trying the admin out at scale.

The service never imports it. The same seed makes the same history.
"""
