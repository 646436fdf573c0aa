"""A real browser, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2/): chromium and its driver."""
import base64
import json
import os
import urllib.error
import urllib.request

from harness import PATIENCE, Process, free_port

ARGUMENTS = (
    "--headless=new", "--hide-scrollbars", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--no-first-run", "--force-color-profile=srgb",
    # Whatever a page would load from elsewhere does not come, and the page shows it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    # Windows that are not in front run as those that are.
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)

# Waits for `condition`, which is looked at whenever the page changes. `arguments` are those of the condition.
_WAIT = """
const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);
const condition = (...arguments) => { try { return (%s); } catch (error) { return null; } };
const observer = new MutationObserver(look);
function look() {
  const result = condition(...given);
  if (result) { observer.disconnect(); done(result); }
}
observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
look();
"""


class Browser:
    """A browser with windows, which have their cookies in common. Use `with`, or `close`."""

    def __init__(self):
        port = free_port()
        self._address = f"http://127.0.0.1:{port}"
        self._driver = Process("chromedriver", f"--port={port}", ready="started successfully")
        arguments = list(ARGUMENTS)
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # it has none for root
        try:
            session = self._request("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                "timeouts": {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000}}}})
            self._session = "/session/" + session["sessionId"]
            self._first = self.call("GET", "/window")  # stays open: the driver opens others from there
        except BaseException:
            self._driver.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._request("DELETE", self._session)
        finally:
            self._driver.kill()

    def open(self, url, **size):
        """A new window with this page; `size` is that of Window.resize."""
        self.call("POST", "/window", {"handle": self._first})
        window = Window(self, self.call("POST", "/window/new", {"type": "window"})["handle"])
        window.resize(**size)
        window.go(url)
        return window

    def forget_cookies(self):
        """Those of all sites."""
        self.call("POST", "/window", {"handle": self._first})
        self.call("POST", "/goog/cdp/execute", {"cmd": "Network.clearBrowserCookies", "params": {}})

    def call(self, method, path, body=None):
        """A command of the session. Returns its value; raises AssertionError for an error."""
        return self._request(method, self._session + path, body)

    def _request(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self._address + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}") from None


class Window:
    """One window of a browser."""

    def __init__(self, browser, handle):
        self._browser, self._handle = browser, handle

    def _call(self, method, path, body=None):
        self._browser.call("POST", "/window", {"handle": self._handle})
        return self._browser.call(method, path, body)

    def _cdp(self, command, **parameters):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def go(self, url):
        self._call("POST", "/url", {"url": url})

    def close(self):
        self._call("DELETE", "/window")

    def resize(self, width=480, height=600):
        """The size of the page, in its own pixels."""
        self._cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, is_dark):
        """As if the user had chosen dark, or light, colours for everything."""
        self._cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])

    def run(self, expression, *arguments):
        """The value of a JavaScript expression, or of the promise that it is."""
        script = f"const done = arguments[arguments.length - 1]; Promise.resolve({expression}).then(done);"
        return self._call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def wait(self, condition, *arguments):
        """Waits until the page changes so that this JavaScript expression is true, and returns its value."""
        try:
            return self._call("POST", "/execute/async", {"script": _WAIT % condition, "args": list(arguments)})
        except AssertionError as error:
            raise AssertionError(
                f"waited for {condition} {arguments}; the page says:\n{self.text()}\n{error}") from None

    def text(self):
        """What a user reads on the page."""
        return self._call("POST", "/execute/sync", {"script": "return document.body.innerText", "args": []})

    def type(self, selector, text):
        """Types into the field that this CSS selector finds; \\n is the Enter key."""
        [element] = self._call("POST", "/element", {"using": "css selector", "value": selector}).values()
        self._call("POST", f"/element/{element}/value", {"text": text.replace("\n", "\ue007")})

    def screenshot(self):
        """The page as it looks, as PNG."""
        return base64.b64decode(self._call("GET", "/screenshot"))
