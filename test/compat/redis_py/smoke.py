"""redis-py against the server on SERVER_PORT: what an application does first, in RESP2 and RESP3."""

import os
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PORT = int(os.environ["SERVER_PORT"])
PASSWORD = "sesame"


def connect(protocol, **options):
    """A client that checks its connections, and does not try again, seconds long, after an error."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(port=PORT, protocol=protocol, health_check_interval=1, retry=retry, **options)


def strings(client):
    assert client.set("name", "value") is True
    assert client.get("name") == b"value"
    assert client.get("missing") is None
    assert client.set("name", "other", nx=True) is None
    assert client.set("name", "other", xx=True, get=True) == b"value"
    assert client.mset({"a": 1, "b": b"\x00\xff", "c": "\N{SNOWMAN}"}) is True
    assert client.mget("a", "missing", "b", "c") == [b"1", None, b"\x00\xff", "\N{SNOWMAN}".encode()]
    assert client.incr("a", 41) == 42
    assert client.incrbyfloat("a", 0.5) == 42.5
    assert client.append("name", "!") == 6
    assert client.getrange("name", -3, -1) == b"er!"
    assert client.getdel("name") == b"other!"
    assert client.exists("name", "a", "a") == 2
    big = os.urandom(3_000_000)
    assert client.set("big", big) and client.get("big") == big


def expiry(client):
    client.set("short", "x", px=30)
    client.set("long", "x", ex=1000)
    assert 990 < client.ttl("long") <= 1000
    assert client.expire("long", 5000, gt=True) is True
    assert client.persist("long") is True and client.ttl("long") == -1
    assert client.expireat("long", 4_000_000_000) is True
    assert client.expiretime("long") == 4_000_000_000
    time.sleep(0.06)
    assert client.get("short") is None and client.ttl("short") == -2


def scanning(client):
    names = {f"scan:{number}".encode() for number in range(1500)}
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.set(name, "x")
        assert pipeline.execute() == [True] * len(names)
    assert set(client.scan_iter(match="scan:*", count=100)) == names
    assert sorted(client.keys("scan:1?")) == [f"scan:{number}".encode() for number in range(10, 20)]
    assert client.delete(*names) == len(names)


def pipelines(client):
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set("p", 1).incr("p").get("p").execute_command("NOSUCH", "x").get("p")
        replies = pipeline.execute(raise_on_error=False)
    assert replies[:3] == [True, 2, b"2"] and replies[4] == b"2"
    assert isinstance(replies[3], redis.ResponseError)


def connections(client):
    assert client.client_setname("smoke") and client.client_getname() in ("smoke", b"smoke")
    if os.environ["SERVER_PRODUCT"] == "ferricstore":  # Redis 7.0 does not have it yet.
        assert client.client_setinfo("LIB-VER", "1.2") in (True, b"OK", "OK")
    assert client.client_id() > 0
    info = client.info()
    assert info["redis_version"] and client.info("server")["tcp_port"] == PORT
    assert client.config_get("databases") == {"databases": "16"}
    assert "get" in client.command()
    time.sleep(1.1)
    assert client.ping() is True, "the health check of the connection failed"


def databases(protocol):
    other = connect(protocol, db=7, decode_responses=True)
    other.set("name", "text")
    assert other.get("name") == "text" and other.dbsize() == 1
    other.flushdb()
    other.close()


def errors(client):
    client.set("text", "x")
    try:
        client.incr("text")
    except redis.ResponseError as error:
        assert str(error) == "value is not an integer or out of range", error
    else:
        raise AssertionError("INCR of a text succeeded")


def passwords(client, protocol):
    client.config_set("requirepass", PASSWORD)
    try:
        try:
            connect(protocol).ping()
        except redis.AuthenticationError:
            pass
        else:
            raise AssertionError("no password was needed")
        try:
            connect(protocol, password="wrong").ping()
        except redis.AuthenticationError:
            pass
        else:
            raise AssertionError("a wrong password was accepted")
        assert connect(protocol, password=PASSWORD).ping() is True
        assert connect(protocol, username="default", password=PASSWORD).ping() is True
    finally:
        connect(protocol, password=PASSWORD).config_set("requirepass", "")


def main():
    for protocol in (2, 3):
        client = connect(protocol)
        client.flushall()
        for part in (strings, expiry, scanning, pipelines, connections, errors):
            part(client)
        databases(protocol)
        passwords(client, protocol)
        client.close()


main()
