// P10: who stands where in the line for an amount that others hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WaitingLine, waitingForgottenMs } from "./waiting-line.ts";

test("P10 those who came before are ahead; oneself and those who came later are not", () => {
  const line = new WaitingLine();
  assert.equal(line.ahead("x", "a", 0), 0, "nobody waits");
  line.join("x", "a", { amount: 1, seenAt: 0 });
  line.join("x", "b", { amount: 20, seenAt: 0 });
  line.join("x", "c", { amount: 300, seenAt: 0 });
  assert.deepEqual(
    ["a", "b", "c", "stranger"].map((who) => line.ahead("x", who, 0)),
    [0, 1, 21, 321],
  );
  assert.equal(line.ahead("y", "stranger", 0), 0, "the line of another account is another line");
});

test("P10 asking again keeps the place, and counts as the latest amount and time", () => {
  const line = new WaitingLine();
  line.join("x", "a", { amount: 1, seenAt: 0 });
  line.join("x", "b", { amount: 20, seenAt: 0 });
  line.join("x", "a", { amount: 5, seenAt: waitingForgottenMs });
  assert.equal(line.ahead("x", "a", waitingForgottenMs), 0);
  assert.equal(line.ahead("x", "b", 2 * waitingForgottenMs), 5, "seen again, so not forgotten yet");
});

test("P10 no branch waits for one that left, which is last when it comes back", () => {
  const line = new WaitingLine();
  line.join("x", "a", { amount: 1, seenAt: 0 });
  line.join("x", "b", { amount: 20, seenAt: 0 });
  line.leave("x", "a");
  assert.equal(line.ahead("x", "b", 0), 0);
  line.join("x", "a", { amount: 1, seenAt: 0 });
  assert.equal(line.ahead("x", "a", 0), 20);
  for (const who of ["a", "a", "b", "stranger"]) line.leave("x", who);
  line.leave("never", "a");
  assert.equal(line.ahead("x", "stranger", 0), 0);
});

test("P10 a branch that has not asked within the limit is overtaken, and is last when it comes back", () => {
  const line = new WaitingLine();
  line.join("x", "a", { amount: 1, seenAt: 0 });
  line.join("x", "b", { amount: 20, seenAt: waitingForgottenMs });
  assert.equal(line.ahead("x", "b", waitingForgottenMs), 1, "not longer than the limit yet");
  assert.equal(line.ahead("x", "b", waitingForgottenMs + 1), 0);
  line.join("x", "a", { amount: 1, seenAt: waitingForgottenMs + 1 });
  assert.equal(line.ahead("x", "a", waitingForgottenMs + 1), 20);
});

test("P10 a branch that asks again after it was forgotten has lost its place", () => {
  const line = new WaitingLine();
  line.join("x", "a", { amount: 1, seenAt: 0 });
  line.join("x", "b", { amount: 20, seenAt: waitingForgottenMs });
  const now = waitingForgottenMs + 1;
  assert.equal(line.ahead("x", "a", now), 20, "b is ahead of it now");
  line.join("x", "a", { amount: 1, seenAt: now });
  assert.equal(line.ahead("x", "b", now), 0);
});

test("P10 one who was forgotten is passed wherever it stands, and those around it stay", () => {
  const line = new WaitingLine();
  line.join("x", "a", { amount: 1, seenAt: 100 });
  line.join("x", "gone", { amount: 20, seenAt: 0 });
  line.join("x", "c", { amount: 300, seenAt: 100 });
  assert.equal(line.ahead("x", "stranger", waitingForgottenMs + 1), 301);
  assert.equal(line.ahead("x", "c", waitingForgottenMs + 1), 1);
});

interface Move {
  readonly kind: "ask" | "leave";
  readonly accountId: string;
  readonly who: string;
  readonly amount: number;
  readonly afterMs: number;
}

const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom("ask", "ask", "ask", "leave"),
  accountId: fc.constantFrom("x", "y"),
  who: fc.constantFrom("a", "b", "c", "d"),
  amount: fc.integer({ min: 1, max: 9 }),
  afterMs: fc.constantFrom(0, 1, 100, waitingForgottenMs, waitingForgottenMs + 1),
});

test("P10 a branch only waits for earlier branches that still ask", () => {
  let waited = 0;
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      const line = new WaitingLine();
      let now = 0;
      /** Everybody who waits, oldest first. */
      let model: { readonly place: string; amount: number; seenAt: number }[] = [];
      for (const { kind, accountId, who, amount, afterMs } of moves) {
        now += afterMs;
        const place = `${accountId} ${who}`;
        // A branch that has not asked for long is gone, even if it asks now.
        if (kind === "ask") {
          model = model.filter((each) => each.place !== place || now - each.seenAt <= waitingForgottenMs);
        }
        const at = model.findIndex((waiting) => waiting.place === place);
        if (kind === "leave") {
          line.leave(accountId, who);
          model = model.filter((_, index) => index !== at);
          continue;
        }
        const before = at === -1 ? model : model.slice(0, at);
        const older = before.filter((waiting) => waiting.place.startsWith(accountId));
        const asking = older.filter(({ seenAt }) => now - seenAt <= waitingForgottenMs);
        const expected = asking.reduce((sum, waiting) => sum + waiting.amount, 0);
        waited += expected;
        assert.equal(line.ahead(accountId, who, now), expected);
        line.join(accountId, who, { amount, seenAt: now });
        // Those who were passed have lost their place.
        model = model.filter((waiting) => !older.includes(waiting) || asking.includes(waiting));
        const own = model.find((waiting) => waiting.place === place);
        if (own === undefined) model.push({ place, amount, seenAt: now });
        else Object.assign(own, { amount, seenAt: now });
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(waited > 0);
});

test("an account without requests is forgotten, although its waiting branches never left explicitly", () => {
  const line = new WaitingLine();
  const lives = 1_000;
  for (let life = 0; life < lives; life += 1) {
    line.join(`sold out ${life}`, "a", { amount: 1, seenAt: life * waitingForgottenMs });
  }
  assert.ok(line.accounts < 20, `${line.accounts} of ${lives} are`);
});
