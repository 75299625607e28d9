"""Bounded HTTP GET of one media item, to addresses that were checked, with the evidence of it."""
