// ioredis against the server on SERVER_PORT: what an application does first.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import Redis from "ioredis";

const port = Number(process.env.SERVER_PORT);

function connect(options = {}) {
  const client = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: 1, retryStrategy: null, ...options });
  // Commands report their errors themselves.
  client.on("error", () => {});
  return client;
}

async function strings(client) {
  assert.equal(await client.set("name", "value"), "OK");
  assert.equal(await client.get("name"), "value");
  assert.equal(await client.get("missing"), null);
  assert.equal(await client.set("name", "other", "NX"), null);
  assert.equal(await client.mset({ a: "1", b: "2" }), "OK");
  assert.deepEqual(await client.mget("a", "missing", "b"), ["1", null, "2"]);
  assert.equal(await client.incrby("a", 41), 42);
  assert.equal(await client.append("name", "!"), 6);
  const bytes = randomBytes(1_000_000);
  await client.set("bytes", bytes);
  assert.deepEqual(await client.getBuffer("bytes"), bytes);
}

async function expiry(client) {
  await client.set("short", "x", "PX", 30);
  await client.set("long", "x", "EX", 1000);
  const ttl = await client.ttl("long");
  assert.ok(ttl > 990 && ttl <= 1000);
  assert.equal(await client.expire("long", 2000), 1);
  assert.equal(await client.persist("long"), 1);
  await sleep(60);
  assert.equal(await client.get("short"), null);
}

async function pipelines(client) {
  const replies = await client.pipeline().set("p", "1").incr("p").call("NOSUCH").get("p").exec();
  assert.deepEqual([replies[0], replies[1], replies[3]], [[null, "OK"], [null, 2], [null, "2"]]);
  assert.match(replies[2][0].message, /ERR unknown command 'NOSUCH'/);
  const many = await Promise.all(Array.from({ length: 2000 }, () => client.incr("many")));
  assert.deepEqual(many, Array.from({ length: 2000 }, (_, index) => index + 1));
}

async function scanning(client) {
  const pipeline = client.pipeline();
  for (let number = 0; number < 1000; number++) pipeline.set(`scan:${number}`, "x");
  await pipeline.exec();
  const found = new Set();
  for await (const keys of client.scanStream({ match: "scan:*", count: 50 })) {
    keys.forEach((key) => found.add(key));
  }
  assert.equal(found.size, 1000);
}

async function connections(client) {
  const named = connect({ db: 4, connectionName: "smoke" });
  await named.set("here", "yes");
  assert.equal(await named.client("GETNAME"), "smoke");
  assert.equal(await client.exists("here"), 0);
  assert.match(await named.info("server"), /redis_version:/);
  await named.flushdb();
  assert.equal(await named.quit(), "OK");
}

async function passwords(client) {
  await client.config("SET", "requirepass", "sesame");
  const without = connect();
  await assert.rejects(without.get("name"), /NOAUTH/);
  without.disconnect();
  const withPassword = connect({ password: "sesame" });
  assert.equal(await withPassword.ping(), "PONG");
  const withUser = connect({ username: "default", password: "sesame" });
  assert.equal(await withUser.ping(), "PONG");
  await withUser.quit();
  await withPassword.config("SET", "requirepass", "");
  await withPassword.quit();
}

const client = connect();
await client.flushall();
for (const part of [strings, expiry, pipelines, scanning, connections, passwords]) await part(client);
await client.quit();
