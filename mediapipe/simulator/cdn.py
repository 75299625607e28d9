"""The CDN origin: mms.twiliocdn.com, which takes signed links and must never see credentials."""

from urllib.parse import parse_qs

from mediapipe.simulator import errors
from mediapipe.simulator.exchange import Exchange
from mediapipe.simulator.script import MediaScript


class CdnExchange(Exchange):
    """One request to the CDN; the log notes whether it brought credentials."""

    place = "cdn"

    def find_script(self) -> MediaScript | None:
        """Return the media item that the path leads to."""
        return self.server.state.at_cdn(self.path_only)

    def respond(self) -> None:
        """Check the link's signature, then give the bytes."""
        if self.command != "GET":
            self.fail(405)
        elif not self.server.state.link_holds(self.path_only, self.query):
            self.fail(403)
        elif self.script is None or self.script.deleted:
            self.fail(404)
        elif hops := int(parse_qs(self.query).get("hops", ["0"])[0]):
            self.start(307, {"Content-Length": "0", "Location": self.link(hops - 1)})
        else:
            self.play_or_behave(self.script)

    def behave(self) -> None:
        """Give the bytes; a link of the media service may be faster than they are."""
        if self.known_script.is_available():
            self.send_media()
        else:
            self.fail(404)

    def fail(self, status: int, **headers: str) -> None:
        """Answer with an error in the form of S3."""
        if status in (204, 304):
            self.start(status, headers)
            return
        codes = {403: "AccessDenied", 404: "NoSuchKey"}
        phrase = self.responses[status][0] if status in self.responses else "Unknown"
        body = errors.cdn_error(codes.get(status, phrase.replace(" ", "")), phrase)
        self.answer(status, "application/xml", body, **headers)

    def house_headers(self) -> dict[str, str]:
        """Return what a CDN adds."""
        return {"X-Cache": "Miss from cloudfront"}
