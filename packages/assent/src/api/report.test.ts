import assert from "node:assert/strict";
import { test } from "node:test";
import { observerOf } from "./report.ts";

test("an observer that throws is printed, and breaks nothing", (context) => {
  const printed = context.mock.method(console, "error", () => undefined);
  const observer = observerOf(() => {
    throw new Error("no dashboard");
  });
  observer.observe({ type: "TransactionEnded", txId: "t:1:1" });
  assert.match(String(printed.mock.calls[0]?.arguments[0]), /the observer failed at TransactionEnded: .*no dashboard/);
});

test("an error with a code is printed by its message, and any other with its stack", (context) => {
  const printed = context.mock.method(console, "error", () => undefined);
  const observer = observerOf(undefined);
  const coded = Object.assign(new Error("the service did not answer", { cause: new TypeError("fetch failed") }), {
    code: "http_unanswered",
  });
  for (const error of [coded, new Error("a bug")]) {
    observer.observe({ type: "BackgroundWorkFailed", work: "send", error });
  }
  const lines = printed.mock.calls.map(({ arguments: [line] }) => String(line));
  assert.equal(lines[0], "assent: send failed: the service did not answer");
  assert.match(lines[1] ?? "", /a bug\n +at /);
});
