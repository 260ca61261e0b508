"""The client tests' simulator and clients, here as well."""

from tests.client.conftest import make_client, qq

__all__ = ["make_client", "qq"]
