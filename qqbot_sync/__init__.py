"""The QQ bot SDK for plain, blocking Python."""
