"""Records messages and recordings that Twilio lists but whose webhooks never arrived.

Only this package imports Twilio's own client, which takes a quarter of a second and 7 MB.
"""
