import assert from "node:assert/strict";
import { test } from "node:test";
import { shownError, withoutSecrets } from "./redaction.ts";

test("credentials and query values are redacted; the server address is kept", () => {
  const cases = {
    "redis://:secret@db:6379/0": "redis://(hidden)@db:6379/0",
    "nats://secret@bus:4222,nats://user:secret@other:4222": "nats://(hidden)@bus:4222,nats://(hidden)@other:4222",
    "redis://user:sec@ret@db:6379": "redis://(hidden)@db:6379",
    "nats://bus:4222?token=secret&tls=secret": "nats://bus:4222?token=(hidden)&tls=(hidden)",
    "rediss://u:secret@db/0?password=secret#x": "rediss://(hidden)@db/0?password=(hidden)#x",
    "nothing to hide @12 at file:///a/@b/c.ts?x": "nothing to hide @12 at file:///a/@b/c.ts?x",
  };
  for (const [text, shown] of Object.entries(cases)) assert.equal(withoutSecrets(text), shown);
});

test("an error is shown with its causes, with secrets redacted in their messages and properties", () => {
  const cause = Object.assign(new TypeError("Invalid URL"), { input: "redis://:secret@db:port" });
  const shown = shownError(new Error("no answer from nats://secret@bus:1", { cause }));
  assert.match(shown, /no answer from nats:\/\/\(hidden\)@bus:1/);
  assert.match(shown, /Invalid URL/);
  assert.doesNotMatch(shown, /secret/);
});
