"""`/metrics` and `/healthz`: read as Prometheus and an orchestrator read them, over real sockets."""

from __future__ import annotations

import errno
import json
import re
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from qqbot_sync import BotBanned, BotClient, Context, HeartbeatConfig, Intents, ReconnectConfig, Simulator
from qqbot_sync.ext.prometheus import BUCKETS, COUNTERS, GatewayCollector, MetricsServer
from qqbot_sync.ext.web import MOST_AT_ONCE
from qqbot_sync.metrics.durations import BOUNDS
from tests.client.conftest import MakeClient
from tests.support import FakeClock, eventually

DOCS = Path(__file__).parents[2] / "docs"
ROWDY = 'odd "name"\\with\nlines'


def get(url: str, *, accept: str = "", method: str = "GET") -> tuple[int, str, bytes]:
    """(status, content type, body)."""
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def samples(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Everything at `/metrics`, read by prometheus_client's own parser."""
    status, content_type, body = get(f"{url}/metrics")
    assert (status, content_type.partition(";")[0]) == (200, "text/plain")
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, "no series twice"
            found[key] = sample.value
    return found


def health(url: str) -> tuple[int, dict[str, Any]]:
    status, content_type, body = get(f"{url}/healthz")
    assert content_type == "application/json"
    return status, json.loads(body)


def echoing(client: BotClient) -> BotClient:
    @client.on_message()
    def echo(ctx: Context, message: Any) -> None:
        ctx.reply(message.content.strip())

    return client


@pytest.fixture
def client(qq: Simulator, make_client: MakeClient) -> BotClient:
    """One whose numbers all have a value."""
    client = echoing(make_client(qq, heartbeat=HeartbeatConfig(interval=0.05)))
    client.metrics.record_reconnection("close 4009")
    client.metrics.record_frame_dropped("undecodable frame")
    client.metrics.record_mismatch("FORUM_THREAD_CREATE", ROWDY)
    client.metrics.record_message(True, ValueError())
    client.metrics.record_message(False, ValueError())
    return client


@pytest.fixture
def served(client: BotClient, qq: Simulator) -> Iterator[MetricsServer]:
    """Its server, after one message was answered and one heartbeat was acknowledged."""
    with client.serve_metrics(0) as server:
        client.start()
        assert qq.say("小明", "group", "hi").replies()
        eventually(lambda: client.metrics.events_processed == 1 and client.latency is not None)
        yield server


# -- /metrics ----------------------------------------------------------------------------------------------------------


def test_the_page_is_read_by_prometheus_own_parsers(served: MetricsServer, client: BotClient) -> None:
    found = samples(served.url)
    for name, _ in COUNTERS:
        assert (f"qqbot_sync_{name}_total", ()) in found
    assert found["qqbot_sync_events_processed_total", ()] == 1
    assert found["qqbot_sync_messages_sent_total", (("kind", "reply"),)] == 1
    assert found["qqbot_sync_messages_failed_total", (("error", "ValueError"), ("kind", "reply"))] == 1
    assert found["qqbot_sync_reconnections_total", (("reason", "close 4009"),)] == 1
    assert found["qqbot_sync_shard_connected", (("shard", "0"),)] == 1
    assert found["qqbot_sync_state", (("state", "connected"),)] == 1
    assert found["qqbot_sync_state", (("state", "failed"),)] == 0
    assert found["qqbot_sync_healthy", ()] == 1
    assert found["qqbot_sync_heartbeat_latency_seconds", (("shard", "0"),)] >= 0
    assert abs(found["qqbot_sync_last_heartbeat_timestamp_seconds", ()] - client._clock.wall()) < 60
    assert found["qqbot_sync_decode_mismatches_total", (("event", "FORUM_THREAD_CREATE"), ("field", ROWDY))] == 1
    _, content_type, body = get(f"{served.url}/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    names = {family.name for family in openmetrics_families(body.decode())}  # type: ignore[no-untyped-call]
    assert {"qqbot_sync_events_received", "qqbot_sync_handler_duration_seconds", "qqbot_sync"} <= names


def test_handler_durations_are_a_histogram_in_seconds(served: MetricsServer, client: BotClient) -> None:
    found = samples(served.url)
    (handler,) = client.metrics.snapshot().handlers
    name = "qqbot_sync_handler_duration_seconds"
    buckets = [found[f"{name}_bucket", (("handler", handler), ("le", str(bound)))] for bound in BUCKETS]
    assert buckets == sorted(buckets)
    assert found[f"{name}_bucket", (("handler", handler), ("le", "+Inf"))] == 1
    assert found[f"{name}_count", (("handler", handler),)] == 1
    assert 0 < found[f"{name}_sum", (("handler", handler),)] < 20


def test_every_bucket_is_one_that_is_counted() -> None:
    assert set(BUCKETS) <= set(BOUNDS)


def test_names_and_units_keep_prometheus_conventions(served: MetricsServer) -> None:
    body = get(f"{served.url}/metrics")[2].decode()
    for family in text_string_to_metric_families(body):
        assert family.documentation.endswith(".") or family.name.endswith("_info")
        for sample in family.samples:
            assert re.fullmatch(r"qqbot_sync_[a-z_]+", sample.name)
            assert not re.search(r"(milli|micro|minute|_ms\b)", sample.name), "base units only"
            assert sample.name.endswith("_total") == (family.type == "counter")


def test_the_numbers_are_those_of_the_snapshot(served: MetricsServer, client: BotClient) -> None:
    client.stop()
    now = client.metrics.snapshot()
    registry = CollectorRegistry()
    registry.register(GatewayCollector(client))
    for name, _ in COUNTERS:
        assert registry.get_sample_value(f"qqbot_sync_{name}_total") == getattr(now, name)
    assert registry.get_sample_value("qqbot_sync_queue_depth") == 0
    assert registry.get_sample_value("qqbot_sync_healthy") == 0


def test_a_client_that_never_ran_has_a_page_as_well(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    with client.serve_metrics(0) as server:
        found = samples(server.url)
        assert found["qqbot_sync_events_received_total", ()] == 0
        assert ("qqbot_sync_last_heartbeat_timestamp_seconds", ()) not in found
        assert health(server.url)[0] == 503


def test_nothing_is_put_into_the_global_registry(served: MetricsServer) -> None:
    assert b"qqbot_sync" not in generate_latest()


def test_the_dashboard_asks_only_for_metrics_and_labels_that_exist(served: MetricsServer) -> None:
    known = {name: {label for label, _ in labels} for name, labels in samples(served.url)}
    dashboard = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(queries) > 10
    asked = set()
    for query in [*queries, *(variable["query"]["query"] for variable in dashboard["templating"]["list"][1:])]:
        names = re.findall(r"qqbot_sync_\w+", query)
        assert names, query
        asked |= set(names)
        labels = {"job", "instance", *(label for name in names for label in known.get(name, ()))}
        for group in re.findall(r"(?:by|without) \(([^)]*)\)", query):
            assert {label.strip() for label in group.split(",")} <= labels, query
    assert asked <= set(known)
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(titles) == len(set(titles))


def test_the_docs_name_every_metric_and_no_other(served: MetricsServer) -> None:
    exposed = {re.sub(r"_(bucket|count|sum)$", "", name) for name, _ in samples(served.url)}
    told = set(re.findall(r"`(qqbot_sync_\w+)[`{]", (DOCS / "metrics.md").read_text(encoding="utf-8")))
    assert told == exposed


# -- /healthz ----------------------------------------------------------------------------------------------------------


def test_healthz_follows_the_client_from_before_its_start_to_its_end(qq: Simulator, make_client: MakeClient) -> None:
    client = echoing(make_client(qq))
    server = client.serve_metrics(0)
    assert health(server.url)[0] == 503
    assert health(server.url)[1]["state"] == "stopped"
    client.start()
    status, facts = health(server.url)
    assert (status, facts["healthy"], facts["state"], facts["connected"], facts["error"]) == (
        200,
        True,
        "connected",
        True,
        None,
    )
    client.stop()
    assert not server.is_running
    with pytest.raises(urllib.error.URLError):
        health(server.url)


def test_a_bot_that_failed_goes_on_answering_503_with_the_cause(qq: Simulator, make_client: MakeClient) -> None:
    client = echoing(make_client(qq))
    server = client.serve_metrics(0)
    client.start()
    failed = threading.Event()
    client.on_error(lambda ctx, error: failed.set())
    qq.close(4915)
    assert failed.wait(20)
    with pytest.raises(BotBanned):
        client.wait_for("GROUP_AT_MESSAGE_CREATE", timeout=20)
    eventually(lambda: client._run is None, what="the end of the run")
    status, facts = health(server.url)
    assert (status, facts["state"]) == (503, "failed")
    assert facts["error"].startswith("BotBanned: ")
    assert samples(server.url)["qqbot_sync_state", (("state", "failed"),)] == 1
    client.stop()
    assert not server.is_running


def test_a_lost_connection_is_503(qq: Simulator, make_client: MakeClient) -> None:
    client = echoing(make_client(qq, reconnect=ReconnectConfig(initial_delay=0.01, max_delay=0.05)))
    with client.serve_metrics(0) as server:
        client.start()
        assert health(server.url)[0] == 200
        qq.refuse_connections(3600)
        qq.drop()
        eventually(lambda: health(server.url)[0] == 503)
        eventually(lambda: health(server.url)[1]["state"] == "suspended")


def test_stop_from_a_handler_closes_the_server_too(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)

    @client.on_message()
    def leave(ctx: Context, message: Any) -> None:
        ctx.client.stop()

    server = client.serve_metrics(0)
    client.start()
    qq.say("小明", "group", "bye")
    eventually(lambda: not server.is_running, what="the end of the server")


# -- HTTP --------------------------------------------------------------------------------------------------------------


def test_head_has_no_body_and_other_paths_and_methods_are_refused(served: MetricsServer) -> None:
    assert get(f"{served.url}/metrics", method="HEAD")[0] == 200
    assert get(f"{served.url}/healthz?verbose=1", method="HEAD")[::2] == (200, b"")
    assert get(f"{served.url}/")[0] == 404
    assert get(f"{served.url}/metrics", method="POST")[0] == 501


def test_a_request_that_fails_is_500_and_the_next_one_is_answered(
    served: MetricsServer, client: BotClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(client.metrics, "histograms", lambda: 1 / 0)
        assert get(f"{served.url}/metrics")[0] == 500
    assert "ZeroDivisionError" in caplog.text
    assert get(f"{served.url}/metrics")[0] == 200


def test_peers_that_send_nothing_or_rubbish_hold_up_nobody(served: MetricsServer) -> None:
    address = ("127.0.0.1", served.port)
    with closing(socket.create_connection(address)), closing(socket.create_connection(address)) as rude:
        rude.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        assert b"400" in rude.recv(1000)
        assert health(served.url)[0] == 200


def test_more_peers_than_can_be_served_are_turned_away_at_once(served: MetricsServer) -> None:
    peers = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(MOST_AT_ONCE)]
    try:
        eventually(lambda: len(served._peers) == MOST_AT_ONCE)
        with closing(socket.create_connection(("127.0.0.1", served.port))) as late:
            late.settimeout(20)
            with suppress(ConnectionError):
                late.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert late.recv(1) == b"", "not answered"
    finally:
        for peer in peers:
            peer.close()
    eventually(lambda: not served._peers)
    assert health(served.url)[0] == 200


def test_a_peer_that_takes_too_long_is_cut_off(qq: Simulator, make_client: MakeClient) -> None:
    clock = FakeClock()
    with (
        MetricsServer(make_client(qq), 0, clock=clock) as server,
        closing(socket.create_connection(("127.0.0.1", server.port))) as slow,
    ):
        slow.settimeout(20)
        slow.sendall(b"GET /metrics HTT")
        eventually(lambda: server._peers)
        clock.advance(11.0)
        assert slow.recv(1) == b""


def test_close_ends_requests_under_way_and_every_thread(qq: Simulator, make_client: MakeClient) -> None:
    server = make_client(qq).serve_metrics(0)
    with closing(socket.create_connection(("127.0.0.1", server.port))) as silent:
        eventually(lambda: server._peers)
        server.close()
        server.close()
        silent.settimeout(20)
        assert silent.recv(1) == b""
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("qqbot-metrics")] == []


# -- where it listens --------------------------------------------------------------------------------------------------


def test_it_listens_on_loopback_only_unless_told(served: MetricsServer) -> None:
    assert served.host == "127.0.0.1"
    assert served._listener.getsockname()[0] == "127.0.0.1"
    assert any(thread.name == "qqbot-metrics" and thread.daemon for thread in threading.enumerate())


def test_ipv6_works_where_the_machine_has_it(qq: Simulator, make_client: MakeClient) -> None:
    try:
        server = make_client(qq).serve_metrics(0, host="::1")
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert health(server.url)[0] == 503


def test_a_port_in_use_is_one_clear_error_in_both_languages(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq)
    with client.serve_metrics(0) as server, pytest.raises(OSError, match=r"端口已被占用.*is in use") as caught:
        client.serve_metrics(server.port)
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("port", "host", "error"),
    [
        (-1, "127.0.0.1", ValueError),
        (65536, "127.0.0.1", ValueError),
        ("9090", "127.0.0.1", TypeError),
        (True, "127.0.0.1", TypeError),
        (None, "127.0.0.1", TypeError),
        (0, "", TypeError),
        (0, None, TypeError),
        (0, "no such host.invalid", OSError),
        (0, "192.0.2.1", OSError),
    ],
)
def test_an_address_that_cannot_be_is_refused_at_the_call(
    qq: Simulator, make_client: MakeClient, port: Any, host: Any, error: type[Exception]
) -> None:
    client = make_client(qq)
    with pytest.raises(error, match=r"port|host|metrics cannot be served") as caught:
        client.serve_metrics(port, host)
    assert " / " in str(caught.value)
    assert client._servers == []


def test_without_the_extra_the_error_says_what_to_install(
    qq: Simulator, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "prometheus_client"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "qqbot_sync.ext.prometheus")
    with pytest.raises(ModuleNotFoundError, match=r'pip install "qqbot_sync\[prometheus\]"'):
        make_client(qq).serve_metrics(0)


def test_two_servers_may_serve_one_client_and_end_with_it(qq: Simulator, make_client: MakeClient) -> None:
    client = make_client(qq, intents=Intents.default())
    servers = [client.serve_metrics(0), client.serve_metrics(0)]
    assert servers[0].port != servers[1].port
    client.stop()
    assert [server.is_running for server in servers] == [False, False]
