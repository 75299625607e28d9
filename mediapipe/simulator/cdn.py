"""The CDN origin: mms.twiliocdn.com, which accepts signed links and must never get credentials."""

from urllib.parse import parse_qs

from mediapipe.simulator import errors
from mediapipe.simulator.exchange import RequestHandler
from mediapipe.simulator.script import MediaScript


class CdnRequestHandler(RequestHandler):
    """One request to the CDN; the log records whether it had credentials."""

    place = "cdn"

    def find_script(self) -> MediaScript | None:
        return self.server.state.at_cdn(self.path_only)

    def respond(self) -> None:
        """Check the link's signature, then serve the bytes."""
        if self.command not in {"GET", "HEAD"}:
            self.fail(405)
        elif not self.server.state.is_valid_link(self.path_only, self.query):
            self.fail(403)
        elif self.script is None or self.script.deleted:
            self.fail(404)
        elif hops := int(parse_qs(self.query).get("hops", ["0"])[0]):
            self.start(307, {"Content-Length": "0", "Location": self.cdn_link(hops - 1)})
        else:
            self.serve_media(self.script)

    def serve_normally(self) -> None:
        """Serve the bytes, or a 404: a link from the media service may exist before them."""
        if self.required_script.is_available():
            self.send_media()
        else:
            self.fail(404)

    def fail(self, status: int, **headers: str) -> None:
        """Respond with an error document as S3 does."""
        if status in (204, 304):
            self.start(status, headers)
            return
        codes = {403: "AccessDenied", 404: "NoSuchKey"}
        phrase = self.responses[status][0] if status in self.responses else "Unknown"
        body = errors.cdn_error(codes.get(status, phrase.replace(" ", "")), phrase)
        self.reply(status, "application/xml", body, **headers)

    def common_headers(self) -> dict[str, str]:
        return {"X-Cache": "Miss from cloudfront"}
