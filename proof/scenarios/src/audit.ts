// The books at the end, when all faults have ended and the system has had time: S2, S4, S5, S7.
import { type BookStore, judgeBooks } from "@assent/books";
import { branchTable, rowTable } from "assent/internal/engine";
import { isYesState } from "assent/internal/protocol";
import type { Clients } from "./clients.ts";
import type { Deployment } from "./deployment.ts";
import type { Swarm } from "./swarm.ts";

export function auditBooks({ history }: Deployment, swarm: Swarm, clients: Clients): void {
  const storeOf = (name: string): BookStore => {
    const mirror = history.mirror(name);
    return { name, get: (table, key) => mirror.get(table, key), entries: (table) => mirror.entries(table) };
  };
  const books = judgeBooks({ orders: storeOf("orders"), stock: storeOf("stock"), payment: storeOf("payment") });
  const given = { stock: swarm.items * swarm.stockPerItem, payment: swarm.users * swarm.creditPerUser };
  const deposited = { stock: books.stock.deposited, payment: books.credit.deposited };
  for (const service of ["stock", "payment"] as const) {
    if (!swarm.deposits && !swarm.reseeds && deposited[service] !== BigInt(given[service])) {
      history.report({ rule: "S2", text: `${service} was given ${given[service]} but records ${deposited[service]}` });
    }
    for (const { rule, text } of books.findings[service]) history.report({ rule, text });
    for (const { txId, branchId, state } of history.mirror(service).entries(branchTable).values()) {
      if (isYesState(state)) history.report({ rule: "S7", text: `${branchId} is still ${state}`, txId });
    }
  }
  for (const { txId, state } of history.unfinished()) history.report({ rule: "S7", text: `still ${state}`, txId });
  const rows = [...history.mirror("orders").entries(rowTable).values()];
  const isPaid = new Set(rows.filter(({ outcome }) => outcome === "committed").map(({ key }) => key));
  for (const { orderId, outcome } of clients.reported) {
    if (outcome === "paid" && !isPaid.has(orderId)) {
      history.report({ rule: "S5", text: `order ${orderId} was reported as paid but is not` });
    }
  }
}
