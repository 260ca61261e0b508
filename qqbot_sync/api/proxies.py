"""Which proxy and which CA bundle a connection uses: the caller's word, else the environment's.

HTTP and WebSocket ask here, so that both take the same way.
"""

from __future__ import annotations

import ipaddress
import os
import re
from importlib import import_module
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

__all__ = ["check_proxy", "is_loopback", "proxy_of_environment", "resolve_ca_bundle", "without_password"]

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_CREDENTIALS = re.compile(r"//[^/\s]*@")
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine; such a host is never reached through a proxy."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def proxy_of_environment(url: str) -> str | None:
    """What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (on Windows and macOS also the system) say."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    plain = parts._replace(scheme="https" if secure else "http").geturl()
    proxy = select_proxy(plain, get_environ_proxies(plain))
    return check_proxy(proxy) if proxy else None


def check_proxy(proxy: str) -> str:
    """The proxy's URL with a scheme.

    Raises:
        TypeError: it is no text.
        ValueError: it is no URL of a proxy.
        ImportError: SOCKS without the extra that knows it.
    """
    if not isinstance(proxy, str):
        raise TypeError(
            f"proxy 必须是网址,例如 http://127.0.0.1:7890 / "
            f"proxy must be a URL such as http://127.0.0.1:7890, not {type(proxy).__name__}"
        )
    text = proxy.strip()
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        is_whole = parts.path in ("", "/") and not parts.query
        usable = is_whole and parts.scheme in _SCHEMES and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"proxy 不是代理网址 / proxy is not the URL of a proxy: {without_password(url)!r}; "
            f"例如 / such as http://127.0.0.1:7890, socks5h://127.0.0.1:1080"
        )
    if parts.scheme.startswith("socks"):
        try:
            import_module("socks")
        except ImportError as error:
            raise ImportError(
                'SOCKS 代理需要额外组件,请执行 pip install "qqbot_sync[socks]" / '
                'a SOCKS proxy needs an extra: pip install "qqbot_sync[socks]"'
            ) from error
    return url


def _is_host(text: str) -> bool:
    # What `urlsplit` lets pass and urllib3 fails at, in words of its own, when the first call is made.
    return bool(text) and not any(sign.isspace() or sign in '<>"\\^`{|}' for sign in text)


def resolve_ca_bundle(argument: str | None) -> str:
    """The file (or directory) of the authorities that are trusted: the argument, the environment, else certifi's.

    Raises:
        ValueError: the path does not exist.
    """
    for name, path in (("ca_bundle", argument), *((name, os.environ.get(name)) for name in _CA_VARIABLES)):
        if path:
            if not os.path.exists(path):
                raise ValueError(f"{name} 指向的证书文件不存在 / {name}: there is no such file: {path!r}")
            return path
    return DEFAULT_CA_BUNDLE_PATH


def without_password(text: str) -> str:
    """A text with the credentials taken out of every URL in it."""
    return _CREDENTIALS.sub("//***@", text)
