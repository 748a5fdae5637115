// The books at the end, when every fault has ended and the system has had time: S2, S4, S5, S7.
import type { Account } from "@assent/ledger";
import type { OrderFields } from "@assent/order";
import type { Row } from "@assent/orchestrator";
import { isYesState, type BranchRecord } from "@assent/protocol";
import type { Clients } from "./clients.ts";
import type { Deployment } from "./deployment.ts";
import type { Swarm } from "./swarm.ts";

export function auditBooks({ history }: Deployment, swarm: Swarm, clients: Clients): void {
  const rows = [...history.mirror("orders").entries("rows").values()] as unknown as readonly Row[];
  const paid = rows.filter(({ outcome }) => outcome === "committed");
  const fields = paid.map((row) => row.fields as unknown as OrderFields);
  const due = {
    stock: fields.reduce((sum, { units }) => sum + units, 0),
    payment: fields.reduce((sum, { total }) => sum + total, 0),
  };
  for (const service of ["stock", "payment"] as const) {
    const mirror = history.mirror(service);
    const accounts = [...mirror.entries("accounts").values()] as unknown as readonly Account[];
    const deposited = accounts.reduce((sum, account) => sum + account.deposited, 0);
    const seeded = service === "stock" ? swarm.items * swarm.stockPerItem : swarm.users * swarm.creditPerUser;
    if (!swarm.deposits && !swarm.reseeds && deposited !== seeded) {
      history.report({ rule: "S2", text: `${service} was given ${seeded} and says ${deposited}` });
    }
    const held = accounts.reduce((sum, account) => sum + account.held, 0);
    const spent = accounts.reduce((sum, account) => sum + account.spent, 0);
    if (held !== 0) history.report({ rule: "S7", text: `${held} is still held in ${service}` });
    if (!swarm.reseeds && spent !== due[service]) {
      history.report({ rule: "S2", text: `${service} has spent ${spent}, the paid orders are worth ${due[service]}` });
    }
    for (const record of mirror.entries("branches").values() as Iterable<never>) {
      const { txId, branchId, state } = record as BranchRecord;
      if (isYesState(state)) history.report({ rule: "S7", text: `${branchId} is still ${state}`, txId });
    }
  }
  for (const { txId, state } of history.unfinished()) history.report({ rule: "S7", text: `still ${state}`, txId });
  const isPaid = new Set(paid.map(({ key }) => key));
  for (const { orderId, outcome } of clients.told) {
    if (outcome === "paid" && !isPaid.has(orderId)) {
      history.report({ rule: "S5", text: `order ${orderId} was told paid and is not` });
    }
  }
}
