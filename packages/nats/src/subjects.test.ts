import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryOf } from "./stream-serving.ts";
import { subjectsOf } from "./subjects.ts";

test("every name becomes one unique token, whatever its characters", () => {
  const subjects = subjectsOf("assent");
  assert.equal(subjects.commands(subjects.place("stock", "0")), "assent.commands.stock.0");
  assert.equal(subjects.allCommands("stock"), "assent.commands.stock.*");
  const names = ["a", "a.b", "a b", "*", ">", "", "%", "%2E", ".", "ä", "\r\n", "a/b", "a\\b", "\ud800", "A"];
  const written = names.map((name) => subjects.commands(subjects.place(name, "0")));
  assert.equal(new Set(written).size, names.length);
  for (const subject of written) assert.match(subject, /^assent\.commands\.[A-Za-z0-9_%-]+\.0$/);
  for (const name of names) assert.match(subjects.stream(name), /^assent-commands-[A-Za-z0-9_%-]+$/);
});

test("the delivery count is read from the formats of old and new brokers", () => {
  assert.equal(deliveryOf("$JS.ACK.stream.consumer.3.7.9.1700000000000000000.0"), 3);
  assert.equal(deliveryOf("$JS.ACK._.hash.stream.consumer.3.7.9.1700000000000000000.0.random"), 3);
  assert.equal(deliveryOf("$JS.ACK.domain.hash.stream.consumer.3.7.9.1700000000000000000.0"), 3);
});
