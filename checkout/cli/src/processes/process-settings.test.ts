import assert from "node:assert/strict";
import { test } from "node:test";
import { redisUrl, sentinelUrls, serverUrl } from "./database-settings.ts";
import { readProcessSettings, settingLines } from "./process-settings.ts";

test("everything has a default, and an empty variable counts as not set", () => {
  const settings = readProcessSettings({ REDIS_HOST: "", PORT: "" });
  assert.equal(redisUrl(settings), "redis://127.0.0.1:6379/0");
  assert.deepEqual(
    [settings.PORT, settings.NATS_URL, settings.ORCHESTRATOR_PROTOCOL, settings.ASSENT_DELIVERY],
    [8_000, "nats://127.0.0.1:4222", "auto", "jetstream"],
  );
});

test("variable names of the reference are accepted; REDIS_URL takes precedence", () => {
  const given = {
    REDIS_HOST: "db",
    REDIS_PORT: "6380",
    REDIS_PASSWORD: "p@ss",
    REDIS_DB: "3",
    NATS_URL: "nats://bus:1",
  };
  const settings = readProcessSettings({
    ...given,
    ORCHESTRATOR_PROTOCOL: "saga",
    FAULT_INJECT: "before_commit:crash",
  });
  assert.equal(redisUrl(settings), "redis://:p%40ss@db:6380/3");
  for (const address of ["bus", "bus:1, tls://user:word@other:2"]) readProcessSettings({ NATS_URL: address });
  assert.deepEqual([settings.NATS_URL, settings.ORCHESTRATOR_PROTOCOL], ["nats://bus:1", "saga"]);
  assert.equal(redisUrl(readProcessSettings({ ...given, REDIS_URL: "redis://other:1/2" })), "redis://other:1/2");
});

test("the effective settings are printed without secrets", () => {
  const shown = settingLines(
    readProcessSettings({
      REDIS_PASSWORD: "secret1",
      REDIS_URL: "redis://user:secret2@db:6379",
      NATS_URL: "secret3@bus:4222,nats://user:secret4@other:4222?token=secret5",
    }),
  ).join("\n");
  assert.doesNotMatch(shown, /secret/);
  assert.match(shown, /REDIS_URL=redis:\/\/\(hidden\)@db:6379/);
  assert.match(shown, /NATS_URL=nats:\/\/\(hidden\)@bus:4222,nats:\/\/\(hidden\)@other:4222\?token=\(hidden\)/);
  assert.match(shown, /PORT=8000/);
});

test("invalid settings are refused by name, before anything is started", () => {
  const wrong = {
    PORT: "99999",
    REDIS_PORT: "-1",
    REDIS_URL: "http://db",
    NATS_URL: "nats://bus:1, other:port",
    ASSENT_DELIVERY: "pigeon",
    ASSENT_NAMESPACE: "a b",
    ORCHESTRATOR_PROTOCOL: "3pc",
    FAULT_INJECT: "nowhere:crash",
    ASSENT_DRAIN_MS: "soon",
    SENTINEL_HOSTS: "s1",
    ASSENT_REDIS_NAT: "a:1",
    ASSENT_DURABILITY: "D3",
    ASSENT_REPLICAS: "0",
    ASSENT_STREAM_COPIES: "6",
    ASSENT_MAX_AGE_MS: "60000",
  };
  for (const [name, value] of Object.entries(wrong)) {
    assert.throws(
      () => readProcessSettings({ [name]: value }),
      (error) => {
        assert.ok(error instanceof Error && "code" in error);
        assert.equal(error.code, "invalid_settings");
        assert.match(error.message, new RegExp(`^  ${name}: `, "m"));
        return true;
      },
    );
  }
});

test("an invalid database address is refused without being printed", () => {
  assert.throws(
    () => readProcessSettings({ REDIS_URL: "redis://:secret@db:port" }),
    (error: Error) => {
      assert.match(error.message, /REDIS_URL: must be redis/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});

test("sentinels find the server, and need the name of its master", () => {
  const given = { SENTINEL_HOSTS: "s1:1, s2:2", REDIS_PASSWORD: "p", REDIS_DB: "2" };
  assert.throws(() => readProcessSettings(given), /REDIS_SENTINEL_SERVICE: is missing/);
  const watched = { ...given, REDIS_SENTINEL_SERVICE: "stock", SENTINEL_PASSWORD: "s", ASSENT_REDIS_NAT: "a:1>b:2" };
  assert.throws(() => readProcessSettings({ ...watched, REDIS_URL: "redis://x" }), /REDIS_URL: cannot be set/);
  const settings = readProcessSettings(watched);
  assert.deepEqual(sentinelUrls(settings), ["redis://:s@s1:1", "redis://:s@s2:2"]);
  assert.equal(serverUrl(settings, { host: "a", port: 1 }), "redis://:p@b:2/2");
  assert.equal(serverUrl(settings, { host: "c", port: 1 }), "redis://:p@c:1/2");
});
