"""H: requests whose framing is broken, as bytes for the real web server.

The signature is right wherever a request is recorded. If there are no statuses, the server closes
the connection without a response.
"""

from __future__ import annotations

from tests.support.bad_input.cases import BadFrame, encoded
from tests.support.bad_input.frame_flows import FLOWS
from tests.support.bad_input.frame_parts import (
    CLOSE,
    HOST,
    PATH,
    PUBLIC,
    TYPE,
    URL,
    Request,
    frame,
    more,
    pairs,
    pieces,
)
from tests.support.payloads import signing, twilio


def lengths(name: str, *values: str, answered: int | tuple[int, ...] = 400) -> BadFrame:
    """Return a good request with these values of Content-Length."""
    one = Request(name)
    head = one.head(*one.signed, *(f"Content-Length: {value}" for value in values))
    return frame(name, head + one.body, answered=answered)


def chunked(
    name: str,
    body: bytes,
    *headers: str,
    answered: int | tuple[int, ...],
    version: str = "HTTP/1.1",
) -> BadFrame:
    one = Request(name)
    transfer = headers or ("Transfer-Encoding: chunked",)
    head = one.head(*one.signed, *transfer, line=f"POST {PATH} {version}")
    return frame(name, head + body, answered=answered)


def line(
    name: str, request_line: str, *, answered: int | tuple[int, ...] = 400, url: str = URL
) -> BadFrame:
    """Return a good request, signed for `url`, with this request line."""
    return frame(
        name,
        Request(name, url).post(line=request_line),
        answered=answered,
        recorded=answered == 200,
    )


def target(name: str, path: str, *, answered: int, signed: bool = False) -> BadFrame:
    """Return a request to another target; `signed` makes that target the signed URL."""
    return line(
        name, f"POST {path} HTTP/1.1", answered=answered, url=f"{PUBLIC}{path}" if signed else URL
    )


END = b"0\r\n\r\n"


def in_chunks(
    name: str, size: int, *, transfer: str = "chunked", extension: bytes = b"", end: bytes = END
) -> BadFrame:
    """Return a good request in chunks of this size, as some proxies forward it."""
    one = Request(name)
    chunks = [b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces(one.body, size)]
    head = one.head(*one.signed, f"Transfer-Encoding: {transfer}")
    return frame(name, head + b"".join(chunks) + end, answered=200, recorded=True)


# Django itself would treat a chunked body as empty.
CHUNKS = [
    in_chunks("H1 a body in one chunk", 10_000),
    in_chunks("H1 a body in chunks of one byte", 1, transfer="Chunked"),
    in_chunks("H1 chunks with extensions", 100, extension=b";a=b"),
    in_chunks("H1 chunks with a trailer", 100, end=b"0\r\nX-Twilio-Signature: x\r\n\r\n"),
    chunked("H1 chunks without an end", b"5\r\nAccou\r\n", answered=()),
    chunked("H1 a chunk that is cut", b"ff\r\nAccou", answered=()),
    chunked("H1 a chunk size that is none", b"zz\r\nAccou", answered=400),
    chunked("H1 a negative chunk size", b"-5\r\nAccou", answered=400),
    chunked("H1 a chunk of 2^160 bytes", b"f" * 40 + b"\r\nAccou", answered=()),
    chunked(
        "H1 chunks over the cap", b"100001\r\n" + b"x" * 0x100001 + b"\r\n" + END, answered=413
    ),
    chunked("H1 an empty body in chunks", END, answered=403),
    chunked(
        "H1 a length and chunks",
        END,
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        answered=400,
    ),
    chunked("H1 chunks within chunks", END, "Transfer-Encoding: chunked, chunked", answered=400),
    chunked("H1 a blank before the colon", END, "Transfer-Encoding : chunked", answered=400),
    chunked("H1 chunks in HTTP/1.0", END, version="HTTP/1.0", answered=400),
    # The web server responds with 501 to a transfer coding that it does not know (RFC 9112).
    chunked("H1 chunks that gzip ends", END, "Transfer-Encoding: chunked, gzip", answered=501),
    chunked("H1 identity", END, "Transfer-Encoding: identity", answered=501),
    chunked("H1 gzip", END, "Transfer-Encoding: gzip", answered=501),
    chunked("H1 an unknown coding", END, "Transfer-Encoding: xchunked", answered=501),
]
LENGTHS = [
    lengths(f"H2 Content-Length {value!r:.30}", value)
    for value in ("-1", "+5", "1_0", "5 5", "5,5", "5, 5", "0x10", "", "\xb2", "9" * 5000)
] + [
    lengths("H2 twice the same length", "5", "5"),
    lengths("H2 two lengths", "5", "6"),
    lengths("H2 no length", answered=403),
    lengths("H2 a length of 0", "0", answered=403),
    lengths("H2 a byte over the cap", "1048577", answered=413),
    lengths("H2 a terabyte", "1099511627776", answered=413),
    lengths("H2 a length of 30 digits", "9" * 30, answered=413),
    lengths("H2 shorter than the body", "100", answered=403),
    lengths("H2 longer than the body", "999", answered=()),
]
HEADERS = (
    [
        more(f"H3 {name}", header)
        for name, header in {
            "half a line end in a header": "X: a\rb",
            "a NUL in a header": "X: a\0b",
            "a NUL in the region": "X-Home-Region: us\x001",
            "a control character in a header": "X: a\x01b",
            "a blank before the colon": "X-Twilio-Signature : x",
            "a folded header": "X: a\r\n b",
            "a header without a colon": "Broken",
            "a header without a name": ": x",
            "a name with a bracket": "X(: x",
            "a name in Latin-1": "X\xe9: x",
            "a second Host": HOST,
            "a second, foreign Host": "Host: evil.example",
            "a NUL in the charset": "Content-Type: text/plain; charset=\0",
        }.items()
    ]
    + [
        more(f"H3 {name}", header, answered=200)
        for name, header in {
            "a value in Latin-1": "X: \xe9\xff",
            "a region of 300 letters": f"X-Home-Region: {'r' * 300}",
            "a region in Latin-1": "X-Home-Region: \xe9\xff",
            "a signature under a name with underscores": "X_Twilio_Signature: x",
            "an unknown Upgrade": "Upgrade: h2c",
            "another method": "X-HTTP-Method-Override: DELETE",
            "an unknown X-Forwarded-Proto": "X-Forwarded-Proto: gopher",
            "a forged X-Forwarded-Host": "X-Forwarded-Host: evil.example",
            "a proxy of the environment": "Proxy: http://evil.example/",
            "a session that is none": "Cookie: sessionid=\xff\xfe; csrftoken=\xff",
            "8 KB of cookies": f"Cookie: {'a=b;' * 1990}",
            "8 KB of languages": f"Accept-Language: {'x,' * 4000}",
            "credentials that are none": "Authorization: Basic \xff",
            "a range": "Range: bytes=0-,-1",
            "an encoding of a body that has none": "Content-Encoding: gzip",
            "a quality that is none": "Accept-Encoding: gzip;q=nan",
        }.items()
    ]
    + [
        more("H3 a second type", "Content-Type: text/plain", answered=200),
        more("H3 9 KB in a header", f"X: {'y' * 9000}", answered=200),
        more("H3 200 KB in a header", f"X: {'y' * 200_000}", answered=431),
        more("H3 101 headers", *(f"X-{n}: y" for n in range(101)), answered=200),
        more("H3 20,000 headers", *(f"X-{n}: y" for n in range(20_000)), answered=431),
        more("H3 an unknown expectation", "Expect: nonsense", answered=200),
        more("H3 a name with an underscore", "X_Twilio_Signature: x", answered=200),
        more("H3 a script name", "SCRIPT_NAME: /webhooks", answered=200),
        more(
            "H4 another signature before the colon's comma", "X-Twilio-Signature: A", answered=403
        ),
        more("H4 twice a signature", Request("H4 twice a signature").signature, answered=403),
        frame(
            "H3 lines that end in LF alone",
            Request("H3 lines that end in LF alone").post().replace(b"\r\n", b"\n"),
            answered=(),
        ),
    ]
)
LINES = [
    line("H5 HTTP/1.0", f"POST {PATH} HTTP/1.0", answered=200),
    line("H5 HTTP/0.9", f"POST {PATH} HTTP/0.9"),
    line("H5 HTTP/2.0", f"POST {PATH} HTTP/2.0"),
    line("H5 the preface of HTTP/2", "PRI * HTTP/2.0"),
    line("H5 no version", f"POST {PATH}"),
    line("H5 more than a version", f"POST {PATH} HTTP/1.1 x"),
    line("H5 a version in lower case", f"POST {PATH} http/1.1"),
    line("H5 two blanks", f"POST  {PATH}  HTTP/1.1"),
    line("H5 tabs", f"POST\t{PATH}\tHTTP/1.1"),
    line("H5 a method in lower case", f"post {PATH} HTTP/1.1"),
    line("H5 a method with brackets", f"P()ST {PATH} HTTP/1.1"),
    line("H5 an unknown method", f"BREW {PATH} HTTP/1.1", answered=405),
    line("H5 no request line", ""),
    line("H5 a greeting of TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    line("H6 OPTIONS *", "OPTIONS * HTTP/1.1", answered=404),
    line("H6 CONNECT", "CONNECT media.example.com:443 HTTP/1.1"),
    line("H6 the whole URL as target", f"POST {URL} HTTP/1.1", answered=200),
    line("H6 a foreign URL as target", f"POST http://evil.example{PATH} HTTP/1.1", answered=200),
    line("H6 a port over 65535", f"POST http://a:99999{PATH} HTTP/1.1", answered=200),
    line("H6 half an IPv6 host", f"POST http://[::1{PATH} HTTP/1.1"),
    line("H6 a target without a slash", "POST webhooks/ HTTP/1.1"),
    line("H6 a question mark as target", "POST ? HTTP/1.1"),
    line("H6 backslashes", "POST \\webhooks\\twilio\\messaging\\ HTTP/1.1"),
    line("H8 a query of 70 KB", f"POST {PATH}?{'a' * 70_000} HTTP/1.1", answered=431),
    line("H8 a query of 1 MB", f"POST {PATH}?{'a' * 1_000_000} HTTP/1.1", answered=431),
    target("H6 a host as path", f"//evil.example{PATH}", answered=404),
    target("H7 a fragment", f"{PATH}#x", answered=200),
    target("H7 an escaped letter", "/webhooks/twilio/messagin%67/", answered=403),
    target(
        "H7 an escaped letter that was signed",
        "/webhooks/twilio/messagin%67/",
        answered=200,
        signed=True,
    ),
    target("H7 an escaped slash", "/webhooks%2ftwilio/messaging/", answered=403),
    target("H7 dots", f"/webhooks/..{PATH}", answered=404),
    target("H7 escaped dots", f"/webhooks/%2e%2e{PATH}", answered=404),
    target("H7 a single dot", f"/.{PATH}", answered=404),
    target("H7 an escaped NUL", f"{PATH}%00", answered=404),
    target("H7 an escaped line end", f"{PATH}%0d%0aX:y", answered=404),
    target("H7 an escaped 0xFF", f"{PATH}%ff", answered=404),
    target("H7 a raw 0xFF", f"{PATH}\xff", answered=400),
    target("H7 a raw 0xFF in the query", f"{PATH}?\xff", answered=400),
    target("H7 a raw NUL", f"{PATH}\0", answered=400),
    target("H7 an escaped line end in the query", f"{PATH}?a=%0d%0aX:y", answered=403),
    target("H7 the same, signed", f"{PATH}?b=%0d%0aX:y", answered=200, signed=True),
    target("H7 a lone question mark that was signed", f"{PATH}?", answered=200, signed=True),
    target("H7 a lone question mark", f"{PATH}?", answered=403),
    target("H7 a parameter of the path", f"{PATH};x", answered=404),
    target("H7 no last slash", PATH.rstrip("/"), answered=404),
    target(
        "H8 a query of 60 KB that was signed",
        f"{PATH}?{'a' * 60_000}",
        answered=200,
        signed=True,
    ),
]


def by_get(name: str, letter: str) -> BadFrame:
    """Return the longest message that Twilio sends, by GET: 1,600 letters and ten pictures."""
    pictures = [pair for pair in pairs(name) if not pair[0].startswith(("Body", "NumMedia"))]
    for number in range(10):
        pictures.append((f"MediaUrl{number}", f"{twilio.MEDIA_URLS[0][:-1]}{number}"))
        pictures.append((f"MediaContentType{number}", "image/jpeg"))
    query = encoded(
        tuple(dict([*pictures, ("NumMedia", "10"), ("Body", letter * 1600)]).items())
    ).decode("ascii")
    signature = f"X-Twilio-Signature: {signing.sign(f'{URL}?{query}', [])}"
    head = Request(name).head(HOST, signature, CLOSE, line=f"GET {PATH}?{query} HTTP/1.1")
    return frame(name, head, answered=200, recorded=True)


LONG = [
    by_get("H8 1,600 Cyrillic letters by GET", "\u0416"),
    by_get("H8 1,600 emoji by GET", "\U0001f600"),
]


def hosted(name: str, *host: str, answered: int, version: str = "HTTP/1.1") -> BadFrame:
    """Return a good request with these Host headers."""
    one = Request(name)
    head = one.head(*host, TYPE, one.signature, CLOSE, one.length, line=f"POST {PATH} {version}")
    return frame(name, head + one.body, answered=answered, recorded=answered == 200)


HOSTS = [
    hosted("H9 no Host", answered=200),
    hosted("H9 no Host in HTTP/1.0", answered=200, version="HTTP/1.0"),
    hosted("H9 an empty Host", "Host:", answered=200),
    hosted("H9 a foreign Host", "Host: evil.example", answered=200),
    hosted("H9 a Host with a path", "Host: media.example.com/x", answered=200),
    hosted("H9 a Host in Latin-1", "Host: m\xe9dia.example.com", answered=200),
    hosted("H9 a Host with a port over 65535", "Host: media.example.com:99999", answered=200),
]


CASES: list[BadFrame] = [*CHUNKS, *LENGTHS, *HEADERS, *LINES, *LONG, *HOSTS, *FLOWS]
