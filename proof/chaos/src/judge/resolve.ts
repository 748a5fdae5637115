// When the load is over and the faults are healed, requests with unclear answers are repeated until they are clear.
import { checkoutOf } from "../load/customer.ts";
import { History } from "../load/history.ts";
import { inTurns } from "./in-turns.ts";
import { withClients } from "./judging-clients.ts";
import type { KeyedRequest } from "../load/keyed-request.ts";
import { isUnclear, answersOf } from "./answers.ts";

export interface InDoubt {
  /** Its unclear checkouts are repeated, which it records. */
  readonly history: History;
  /** Changes without a clear answer: repeated with their keys. Resolved ones are removed from the list. */
  readonly open: KeyedRequest[];
}

/** Returns one sentence for each request that is still unclear at the deadline. */
export async function resolve(
  { history, open }: InDoubt,
  { urls, deadline }: { readonly urls: readonly string[]; readonly deadline: number },
): Promise<readonly string[]> {
  const findings: string[] = [];
  const repeated = open.splice(0);
  // The load's figures must not be mixed with the checker's requests.
  await withClients({ urls, history: new History(), deadline }, (workers) =>
    inTurns(repeated, workers, async (keyed, client) => {
      const answer = await client.ask(keyed.request);
      const { verdict, status, code } = answer;
      if (verdict === "done") keyed.done(answer);
      if (verdict === "done" || verdict === "refused") return;
      open.push(keyed);
      findings.push(`${keyed.request.path} under key ${keyed.request.key} has no clear answer: ${status} ${code}`);
    }),
  );
  const unclear = [...answersOf(history).values()].filter(isUnclear).map(({ order }) => order);
  await withClients({ urls, history, deadline }, (workers) =>
    inTurns(unclear, workers, async (order, client) => {
      const { verdict, status, code } = await client.ask(checkoutOf("resolve", order));
      if (verdict === "done" || verdict === "refused") return;
      findings.push(`S7: order ${order} has no clear outcome at the deadline: ${status} ${code}`);
    }),
  );
  return findings;
}
