// So many at once, so many waiting, and a plain no to the rest.
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../testing/virtual-clock.ts";
import { Admission, defaultAdmissionLimits } from "./admission.ts";

test("500 at once and 2,000 waiting by default", () => {
  assert.deepEqual(defaultAdmissionLimits, { inFlightMax: 500, queueMax: 2_000 });
});

test("in, queued, refused", () => {
  const admission = new Admission({ inFlightMax: 2, queueMax: 1 });
  assert.equal(admission.enter().kind, "admitted");
  assert.equal(admission.enter().kind, "admitted");
  assert.equal(admission.enter().kind, "queued");
  assert.equal(admission.enter().kind, "refused");
  assert.deepEqual([admission.inFlight, admission.queued], [2, 1]);
});

test("the longest waiting caller gets the next free place", async () => {
  const admission = new Admission({ inFlightMax: 1, queueMax: 3 });
  assert.equal(admission.enter().kind, "admitted");
  const order: number[] = [];
  for (const number of [1, 2, 3]) {
    const entry = admission.enter();
    assert.ok(entry.kind === "queued");
    void entry.admitted.then(() => order.push(number));
  }
  for (const expected of [[1], [1, 2], [1, 2, 3]]) {
    admission.leave();
    await settle();
    assert.deepEqual(order, expected);
    assert.equal(admission.inFlight, 1);
  }
  admission.leave();
  assert.deepEqual([admission.inFlight, admission.queued], [0, 0]);
});

test("a refused place is free again after a caller left, in any order", async () => {
  const steps = fc.array(fc.constantFrom("enter", "leave"), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (moves) => {
      const admission = new Admission({ inFlightMax: 3, queueMax: 4 });
      let inside = 0;
      let waiting = 0;
      for (const move of moves) {
        if (move === "enter") {
          const { kind } = admission.enter();
          if (kind === "admitted") inside += 1;
          else if (kind === "refused") assert.deepEqual([inside, waiting], [3, 4], "refused only when full");
          else waiting += 1;
        } else if (inside > 0) {
          admission.leave();
          if (waiting > 0) waiting -= 1;
          else inside -= 1;
        }
        await Promise.resolve();
        assert.deepEqual([admission.inFlight, admission.queued], [inside, waiting]);
        assert.ok(waiting === 0 || inside === 3, "nobody waits beside a free place");
      }
    }),
  );
});
