// When the load is over and the faults are healed, everything that is in doubt is asked for until it is not.
import { checkoutOf } from "../load/customer.ts";
import { History } from "../load/history.ts";
import { inTurns } from "./in-turns.ts";
import { withClients } from "./judging-clients.ts";
import type { KeyedRequest } from "../load/keyed-request.ts";
import { isUnclear, toldOf } from "./told.ts";

export interface InDoubt {
  /** Its unclear checkouts are asked for again, which it records. */
  readonly history: History;
  /** Changes without a clear answer: repeated with their keys. What becomes clear is taken off the list. */
  readonly open: KeyedRequest[];
}

/** Answers what is not clear at the deadline, one sentence for each. */
export async function resolve(
  { history, open }: InDoubt,
  { urls, deadline }: { readonly urls: readonly string[]; readonly deadline: number },
): Promise<readonly string[]> {
  const findings: string[] = [];
  const repeated = open.splice(0);
  // The load's figures are not to be mixed with the judge's questions.
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
  const unclear = [...toldOf(history).values()].filter(isUnclear).map(({ order }) => order);
  await withClients({ urls, history, deadline }, (workers) =>
    inTurns(unclear, workers, async (order, client) => {
      const { verdict, status, code } = await client.ask(checkoutOf("resolve", order));
      if (verdict === "done" || verdict === "refused") return;
      findings.push(`S7: order ${order} has no clear outcome at the deadline: ${status} ${code}`);
    }),
  );
  return findings;
}
