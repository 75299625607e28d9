import json
from xml.sax.saxutils import escape

# As a rule, Twilio's code is 20000 + the HTTP status; these are the documented exceptions.
_CODES = {400: 20001, 401: 20003}


def rest_exception(
    status: int, message: str, *, detail: str = "", code: int = 0, as_json: bool
) -> tuple[str, bytes]:
    """Return the content type and body of an API error, in XML or JSON."""
    code = code or _CODES.get(status, 20000 + status)
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    if as_json:
        document = {"code": code, "message": message, "more_info": more_info, "status": status}
        return "application/json", json.dumps(document).encode()
    detail_element = f"<Detail>{escape(detail)}</Detail>" if detail else ""
    xml = (
        "<?xml version='1.0' encoding='UTF-8'?><TwilioResponse><RestException>"
        f"<Code>{code}</Code>{detail_element}<Message>{escape(message)}</Message>"
        f"<MoreInfo>{more_info}</MoreInfo><Status>{status}</Status>"
        "</RestException></TwilioResponse>"
    )
    return "application/xml", xml.encode()


def not_found(path: str, *, as_json: bool) -> tuple[str, bytes]:
    """Return Twilio's 404 (code 20404), the same for late, deleted and unknown media."""
    return rest_exception(404, f"The requested resource {path} was not found", as_json=as_json)


def cdn_error(code: str, message: str) -> bytes:
    """Return an error document as S3 does."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    ).encode()
