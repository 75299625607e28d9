"""The catalogue of bad requests and bad answers: data alone, run by webhooks/test_bad_input.py.

The names begin with W (request: signature), C (request: content), H (request: framing of HTTP),
U (media URL), R (answer to a fetch) or F (file), and a number for the class of the fault.
"""
