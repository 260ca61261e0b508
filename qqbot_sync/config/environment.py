"""Where the platform is reached."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Environment"]


@dataclass(frozen=True)
class Environment:
    """Where the platform is reached.

    The URL that `/gateway/bot` returns always wins over what is guessed here. Immutable, thread-safe.
    """

    api_url: str
    """Base of every API path, without a trailing slash."""
    token_url: str
    """The URL that exchanges app id and secret for a token."""
    is_local: bool = False
    """True for a simulator on this machine; only then are `http://` and `ws://` allowed."""
    fallback: Environment | None = None
    """Tried once when the first call of a process cannot connect or is answered by 404."""

    def __post_init__(self) -> None:
        for name in ("api_url", "token_url"):
            url = getattr(self, name)
            if not isinstance(url, str) or not url.strip():
                raise ValueError(f"{name} 必须是网址 / {name} must be a URL, not {url!r}")
            object.__setattr__(self, name, url.strip().rstrip("/"))
            self.check_url(url, name=name)

    @classmethod
    def production(cls) -> Environment:
        """QQ itself."""
        newer = cls("https://api.bot.qq.com", "https://api.bot.qq.com/app/getAppAccessToken")
        return cls("https://api.sgroup.qq.com", "https://bots.qq.com/app/getAppAccessToken", fallback=newer)

    @classmethod
    def sandbox(cls) -> Environment:
        """QQ's own sandbox: only the sandbox guilds of the console can be touched."""
        return cls("https://sandbox.api.sgroup.qq.com", "https://bots.qq.com/app/getAppAccessToken")

    @classmethod
    def local(cls, url: str) -> Environment:
        """A simulator: `url` serves the API and `/app/getAppAccessToken`."""
        base = url.strip().rstrip("/") if isinstance(url, str) else url
        return cls(base, f"{base}/app/getAppAccessToken", is_local=True)

    @classmethod
    def parse(cls, text: str) -> Environment:
        """`production`, `sandbox` or the URL of a simulator, as in QQ_BOT_ENVIRONMENT.

        Raises:
            ValueError: anything else.
        """
        word = text.strip()
        if word.lower() == "production":
            return cls.production()
        if word.lower() == "sandbox":
            return cls.sandbox()
        if urlsplit(word).scheme in ("http", "https"):
            return cls.local(word)
        raise ValueError(
            f"environment 只能是 production、sandbox 或模拟器网址,而不是 {text!r} / "
            f"environment must be production, sandbox or the URL of a simulator, not {text!r}"
        )

    def check_url(self, url: str, *, name: str = "url") -> None:
        """Raises ValueError for a URL that is no URL, or unencrypted outside `.local()`."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
            raise ValueError(f"{name} 不是网址 / {name} is not a URL: {url!r}")
        if parts.scheme in ("http", "ws") and not self.is_local:
            raise ValueError(
                f"{name} 未加密({parts.scheme}://),令牌会泄露;本机模拟器请用 Environment.local(url) / "
                f"{name} is not encrypted ({parts.scheme}://) and would leak the token; "
                f"for a simulator use Environment.local(url)"
            )
