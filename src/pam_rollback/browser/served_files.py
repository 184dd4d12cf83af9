"""The scripts and styles of the site as the browser got them, to be held against a release's own."""

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Error, Page, Response

from pam_rollback.browser.journeys import Stopped

_CONTENT = """async (path) => {
  const answer = await fetch(path, { cache: "force-cache" });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


@dataclass(frozen=True)
class Script:
    """A script or style as the browser got it."""

    path: str
    body: bytes

    @property
    def sha256(self) -> str:
        """The sum of its content."""
        return hashlib.sha256(self.body).hexdigest()


class Served:
    """The scripts and styles that the pages of a context get from the site."""

    def __init__(self, page: Page, address: str) -> None:
        self._origin = origin(address)
        self._page = page
        self._responses: list[Response] = []
        page.on("response", self._remember)

    def scripts(self) -> tuple[Script, ...]:
        """Each as the browser got it. Raises Stopped when one did not come whole."""
        found = []
        for response in self._responses:
            path = urlsplit(response.url).path
            try:
                body = response.body()
            except Error:
                # Firefox gives no body of what its cache or a service worker answered; the page itself gets the same again.
                body = self._again(path)
            found.append(Script(path, body))
        return tuple(found)

    def _again(self, path: str) -> bytes:
        try:
            return base64.b64decode(self._page.evaluate(_CONTENT, path))
        except Error as error:
            words = error.message.splitlines()[0]
            raise Stopped(f"load the page: what {path} contained cannot be read again ({words})") from None

    def forget(self) -> None:
        """Start anew, for the next load."""
        self._responses.clear()

    def _remember(self, response: Response) -> None:
        if response.request.resource_type in {"script", "stylesheet"} and origin(response.url) == self._origin:
            self._responses.append(response)


def origin(url: str) -> str:
    """Scheme, host and port, as a browser writes them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
