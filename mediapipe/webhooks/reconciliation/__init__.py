"""Webhooks that never came: what Twilio lists and we have not recorded is taken in after all.

Only here is Twilio's own client imported, which costs a quarter of a second and 7 MB.
"""
