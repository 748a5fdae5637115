// kill -9 under concurrent checkouts, and restarts: nothing may be lost or created, every answer must stay true, and no
// hold may remain.
import { auditCheckout, serveCheckout, type ServedCheckout } from "@assent/topology";
import { closedLoop } from "./closed-loop.ts";
import { KeepAliveClient } from "./keep-alive-client.ts";
import { read, seedShop, unbalanced, unitsPerOrder, unpaidAfter, untilQuiet } from "./shop-books.ts";

export interface CrashProofOptions {
  readonly dataFolder: string;
  readonly rounds: number;
  readonly ordersPerRound: number;
  readonly connections: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onRound?: (round: CrashRound) => void;
}

export interface CrashRound {
  readonly round: number;
  readonly reportedPaid: number;
  readonly reportedFailed: number;
  readonly unanswered: number;
  /** Orders found paid after recovery. */
  readonly paid: number;
  /** Orders that were checked out again after recovery, paid or not, and answered 200. */
  readonly paidAgain: number;
  readonly restartMs: number;
  readonly recoveredMs: number;
  /** Empty if everything is correct. */
  readonly findings: readonly string[];
}

const recoveryDeadlineMs = 120_000;
/** The outcome is unknown: neither success nor failure was reported. */
const pendingStatus = 409;

export async function crashProof(options: CrashProofOptions): Promise<readonly CrashRound[]> {
  const { dataFolder, rounds, ordersPerRound, connections } = options;
  let served = await serveCheckout({ dataFolder });
  await seedShop(served.url, ordersPerRound * rounds);
  const results: CrashRound[] = [];
  const totals = { sold: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const answers = await checkoutUntilKilled(served, round, options);
    const audited = await auditCheckout(dataFolder);
    const startedAt = performance.now();
    served = await serveCheckout({ dataFolder });
    const restartMs = performance.now() - startedAt;
    const inspected = await inspect(served.url, { ...answers, round, restartMs, ordersPerRound, connections }, totals);
    const result = { ...inspected, findings: [...audited, ...inspected.findings] };
    results.push(result);
    options.onRound?.(result);
  }
  await served.stop();
  const last = results.pop();
  if (last !== undefined) results.push({ ...last, findings: [...last.findings, ...(await auditCheckout(dataFolder))] });
  return results;
}

interface ClientAnswers {
  readonly paid: ReadonlySet<number>;
  readonly failed: ReadonlySet<number>;
  readonly unanswered: number;
}

async function checkoutUntilKilled(
  served: ServedCheckout,
  round: number,
  options: CrashProofOptions,
): Promise<ClientAnswers> {
  const { ordersPerRound, connections, random } = options;
  const first = round * ordersPerRound;
  const paid = new Set<number>();
  const failed = new Set<number>();
  let answered = 0;
  // Somewhere in the middle half, so that thousands are finished and hundreds in flight.
  const killAt = Math.floor(ordersPerRound * (0.25 + random() / 2));
  let killed: Promise<void> | undefined;
  let unanswered = 0;
  await closedLoop({
    url: served.url,
    connections,
    paths: Array.from({ length: ordersPerRound }, (_, index) => `/orders/checkout/${first + index}`),
    onReply: (index, { status }) => {
      answered += 1;
      if (status === 200) paid.add(first + index);
      else if (status !== pendingStatus) failed.add(first + index);
      if (answered === killAt) killed = served.kill();
    },
    onFailure: () => {
      unanswered += 1;
    },
  });
  await killed;
  return { paid, failed, unanswered };
}

async function inspect(
  url: string,
  round: ClientAnswers & { round: number; restartMs: number; ordersPerRound: number; connections: number },
  totals: { sold: number },
): Promise<CrashRound> {
  const findings: string[] = [];
  const startedAt = performance.now();
  const client = new KeepAliveClient(url);
  if (!(await untilQuiet(client, recoveryDeadlineMs)))
    findings.push(`transactions are unfinished ${recoveryDeadlineMs} ms after the restart`);
  const recoveredMs = performance.now() - startedAt;
  const first = round.round * round.ordersPerRound;
  let paid = 0;
  for (let order = first; order < first + round.ordersPerRound; order += 1) {
    const isPaid = (await read(client, `/orders/find/${order}`))["paid"] === true;
    if (isPaid) paid += 1;
    if (round.paid.has(order) && !isPaid) findings.push(`order ${order} was reported as paid but is not`);
    if (round.failed.has(order) && isPaid) findings.push(`order ${order} was reported as failed but is paid`);
  }
  findings.push(...(await unbalanced(client, totals.sold + unitsPerOrder * paid)));
  const paidAgain = await checkoutAgain(url, first, round);
  if (paidAgain !== round.ordersPerRound)
    findings.push(`only ${paidAgain} of ${round.ordersPerRound} could be repeated`);
  if (!(await untilQuiet(client, recoveryDeadlineMs))) findings.push("repeated transactions are unfinished");
  totals.sold += unitsPerOrder * round.ordersPerRound;
  findings.push(...(await unbalanced(client, totals.sold)));
  client.close();
  return {
    round: round.round,
    reportedPaid: round.paid.size,
    reportedFailed: round.failed.size,
    unanswered: round.unanswered,
    paid,
    paidAgain,
    restartMs: round.restartMs,
    recoveredMs,
    findings,
  };
}

/** Repeats every order: paid ones must not be charged again, others must be paid now. Returns how many succeeded. */
async function checkoutAgain(
  url: string,
  first: number,
  { ordersPerRound, connections }: { ordersPerRound: number; connections: number },
): Promise<number> {
  const orders = Array.from({ length: ordersPerRound }, (_, index) => first + index);
  return ordersPerRound - (await unpaidAfter({ url, connections, orders, waitMs: recoveryDeadlineMs })).length;
}
