"""The catalogue of bad requests and responses, as data; webhooks/test_bad_*.py run it.

The names begin with W (request: signature), C (request: content), H (request: framing of HTTP),
U (media URL), R (response to a fetch), V (conversation) or F (file); most add a number for the
class of the fault.
"""
