"""The address of a relay as a URL, for frameworks that are configured by URLs."""
from urllib.parse import unquote, urlsplit

from .options import DEFAULT_PATH

SCHEME = "hubrelay"


def path_of(url: str) -> str:
    """The socket's path in a URL such as `hubrelay:///run/hubrelay/hubrelay.sock`; `hubrelay://` is the default path.

    Bytes that a URL cannot have must be percent-encoded. Raises ValueError for any other URL.
    """
    parts = urlsplit(url)
    if parts.scheme != SCHEME or not url[len(SCHEME):].startswith("://"):
        raise ValueError(f"{_shown(url)} is not the URL of a relay, which has the form hubrelay:///path/of/its.sock")
    if parts.netloc:
        raise ValueError(f"{_shown(url)} names a host; a relay runs beside its app server and is reached by a Unix "
                         f"socket: hubrelay:///path/of/its.sock (with three slashes)")
    if parts.query or parts.fragment:
        raise ValueError(f"{_shown(url)} has something behind the path: options are arguments, and not part of the URL")
    return unquote(parts.path) or DEFAULT_PATH


def _shown(url: str) -> str:
    """The URL as an error shows it. It may be the URL of something else, so parts that may be a password are left
    out."""
    scheme, colon, rest = url.partition(":")
    is_other = colon and scheme != SCHEME and rest.startswith("/")
    return repr(f"{scheme}://..." if is_other or "@" in rest or "password" in rest.lower() else url)
