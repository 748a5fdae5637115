// A step whose effect is not in a database: card payments at a provider, over HTTP. The name of the branch is the
// idempotency key. The service keeps nothing but the records of its branches.
import { service, type ServiceHandlers } from "assent";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Payment } from "./provider.ts";

const actions = {
  pay: { input: z.object({ card: z.string(), amount: z.int().min(1) }), refusals: ["declined"] },
} as const;
export const card = service("card", actions);

export class Provided {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Asks the provider once. What is not answered, or not in time, is not known: it throws, and the coordinator asks
   * again, which brings the handler here again with the same key.
   */
  async call(action: string, key: string, { signal, body }: { signal: AbortSignal; body?: unknown }): Promise<number> {
    const sent = { method: "POST", signal, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.#url}/${action}/${encodeURIComponent(key)}`, sent);
    const answer = await response.text();
    if (response.ok || response.status === 402) return response.status;
    throw new Error(`the provider answered ${action} with ${response.status}: ${answer}`);
  }

  async payments(): Promise<readonly (readonly [key: string, payment: Payment])[]> {
    const response = await fetch(`${this.#url}/payments`);
    return Object.entries((await response.json()) as Record<string, Payment>);
  }
}

export function cardHandlers(provider: Provided): ServiceHandlers<typeof actions, DatabaseSync> {
  return {
    pay: {
      async reserve({ input, branch, signal, refuse }) {
        if ((await provider.call("authorize", branch, { signal, body: input })) === 402) refuse("declined");
      },
      async confirm({ branch, signal }) {
        await provider.call("capture", branch, { signal });
      },
      async release({ branch, signal }) {
        await provider.call("void", branch, { signal });
      },
      async undo({ branch, signal }) {
        await provider.call("refund", branch, { signal });
      },
    },
  };
}

/** Commands older than this are not carried out any more (`maxAgeMs`): a payment without a record stays without one. */
const lateMaxMs = 7_200_000;

/**
 * Gives back what the provider holds for branches that have ended without it: the reply was lost, and the transaction
 * was aborted before another call was answered. To be run every few minutes. Returns the keys that it has settled.
 * `ageOf` is the age of a payment in milliseconds.
 */
export async function reconcile(
  provider: Provided,
  records: DatabaseSync,
  ageOf: (key: string, payment: Payment) => number,
): Promise<readonly string[]> {
  const find = records.prepare(
    "SELECT state FROM assent_branches WHERE service = 'card' AND tx_id || '/' || branch_id = ?",
  );
  const settled: string[] = [];
  for (const [key, payment] of await provider.payments()) {
    const action = { authorized: "void", captured: "refund", voided: undefined, refunded: undefined }[payment.state];
    if (action === undefined) continue;
    const state = find.get(key)?.["state"];
    const isOver =
      state === undefined ? ageOf(key, payment) > lateMaxMs : state === "aborted" || state === "compensated";
    if (!isOver) continue;
    await provider.call(action, key, { signal: AbortSignal.timeout(10_000) });
    settled.push(key);
  }
  return settled;
}
