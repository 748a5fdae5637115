// Logs that write wrongly: decisions, ends, takeovers, notes, and what is swept.
import { recordTable, rowTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import type { Row, Tables } from "assent/internal/ports";
import type { TransactionRecord } from "assent/internal/protocol";
import { type Break, brokenStore, losing, removeFromIndex, showing, unorderedStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const recordOf = (tables: Tables, txId: string): TransactionRecord | undefined => tables.get(recordTable, txId);

function putRecord(tables: Tables, record: TransactionRecord): void {
  tables.put(recordTable, record.txId, record);
}

function putRow(tables: Tables, row: Row): void {
  tables.put(rowTable, row.key, row);
}

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

const decisions: readonly Broken<KeyedAdapter>[] = [
  broken(
    "decides twice",
    ({ decide }) => ({
      decide(tables, request, context) {
        const record = recordOf(tables, request.txId);
        const row = record && tables.get(rowTable, record.key);
        if (record?.state === "committing" || record?.state === "aborting") {
          putRecord(tables, { ...record, state: "active" });
          if (row !== undefined) putRow(tables, { ...row, outcome: "pending" });
        }
        return decide(tables, request, context);
      },
    }),
    ["C2 the first decision wins", "C2 a repeated decision", "C2 of concurrent decisions"],
  ),
  broken(
    "forgets the row of a decision",
    ({ decide }) => ({
      decide: (tables, request, context) =>
        decide(
          losing(tables, (table) => table === rowTable),
          request,
          context,
        ),
    }),
    ["C4 a commit is written with its row", "C4 an abort is written with its row", "S4 a committed row"],
  ),
  broken(
    "ignores who decides, and at which epoch",
    ({ decide }) => ({
      decide: (tables, request, context) =>
        decide(tables, { ...request, ...claimantOf(recordOf(tables, request.txId)) }, context),
    }),
    ["C2 only the owner at this epoch", "R2 a takeover moves the record"],
  ),
  broken(
    "compares the owner of a decision, and not the epoch",
    ({ decide }) => ({
      decide(tables, request, context) {
        const epoch = recordOf(tables, request.txId)?.epoch ?? request.epoch;
        return decide(tables, { ...request, epoch }, context);
      },
    }),
    ["C2 only the owner at this epoch"],
  ),
  broken(
    "applies the change of a commit at an abort",
    ({ decide }) => ({
      decide(tables, request, context) {
        const result = decide(tables, request, context);
        if (result.kind !== "written" || request.decision === "commit") return result;
        const row = tables.get(rowTable, result.record.key);
        if (row === undefined) return result;
        putRow(tables, { ...row, fields: { ...row.fields, ...request.change?.set } });
        return result;
      },
    }),
    ["C4 an abort is written with its row"],
  ),
  broken(
    "commits a row that is not of this attempt any more",
    ({ decide }) => ({
      decide(tables, request, context) {
        const [incarnation = "", attempt] = request.txId.split(":").slice(1);
        const claimed = { incarnation, attempt: Number(attempt), outcome: "pending" } as const;
        return decide(
          showing(tables, rowTable, (row) => ({ ...row, ...claimed })),
          request,
          context,
        );
      },
    }),
    ["C4 a row of another incarnation", "C4 a row that was removed by seeding"],
  ),
  broken(
    "commits whatever the conditions say",
    ({ decide }) => ({
      decide(tables, { change, ...request }, context) {
        const { expect: _expect, ...rest } = change ?? {};
        return decide(tables, change === undefined ? request : { ...request, change: rest }, context);
      },
    }),
    ["C4 a commit whose conditions do not hold"],
  ),
  broken(
    "brings back what a write has not found",
    ({ decide, park }) => ({
      decide(tables, request, context) {
        const { txId, owner, epoch } = request;
        if (recordOf(tables, txId) === undefined) putRecord(tables, { ...absent, txId, owner, epoch });
        return decide(tables, request, context);
      },
      park: (tables, request, context) => {
        if (recordOf(tables, request.txId) === undefined) putRecord(tables, { ...absent, txId: request.txId });
        return park(tables, request, context);
      },
    }),
    ["R5 a write for a missing record"],
  ),
  broken(
    "ends what is undecided",
    ({ end }) => ({
      end(tables, request, context) {
        const record = recordOf(tables, request.txId);
        if (record?.state === "active") putRecord(tables, { ...record, state: "aborting" });
        return end(tables, request, context);
      },
    }),
    ["R3 a transaction ends once"],
  ),
  broken(
    "lets anybody end a transaction",
    ({ end }) => ({
      end: (tables, request, context) =>
        end(tables, { ...request, ...claimantOf(recordOf(tables, request.txId)) }, context),
    }),
    ["R2 a takeover moves the record"],
  ),
  { that: "does not see the step before", open: unorderedStore, caughtBy: ["C2 of concurrent decisions"] },
];

const absent: TransactionRecord = {
  txId: "",
  key: "order-1",
  definition: "checkout",
  definitionHash: 7,
  protocol: "2pc",
  state: "active",
  epoch: 0,
  owner: "",
  begunAt: 0,
  deadlineAt: 0,
  input: {},
  changedAt: 0,
};

function claimantOf(record: TransactionRecord | undefined): { owner?: string; epoch?: number } {
  return record === undefined ? {} : { owner: record.owner, epoch: record.epoch };
}

const takeovers: readonly Broken<KeyedAdapter>[] = [
  broken(
    "takes over whatever it has seen",
    ({ takeOver }) => ({
      takeOver(tables, request, context) {
        const { owner, epoch } = recordOf(tables, request.txId) ?? request.seen;
        return takeOver(tables, { ...request, seen: { owner, epoch } }, context);
      },
    }),
    ["R2 a takeover from another state", "R2 of concurrent takers"],
  ),
  broken(
    "takes over to an epoch that was used",
    ({ takeOver }) => ({
      takeOver(tables, request, context) {
        const result = takeOver(tables, request, context);
        const { owner, epoch } = request.seen;
        if (result.kind !== "lost" || result.record.owner !== owner || result.record.epoch !== epoch) return result;
        const record = { ...result.record, ...request.taker };
        putRecord(tables, record);
        return { kind: "written", record };
      },
    }),
    ["R2 a takeover from another state, or to an epoch"],
  ),
  broken(
    "takes over only what is undecided",
    ({ takeOver }) => ({
      takeOver(tables, request, context) {
        const record = recordOf(tables, request.txId);
        if (record !== undefined && record.state !== "active") return { kind: "lost", record };
        return takeOver(tables, request, context);
      },
    }),
    ["R2 a decided record can be taken over"],
  ),
  broken(
    "takes the decision back at a takeover",
    ({ takeOver }) => ({
      takeOver(tables, request, context) {
        const result = takeOver(tables, request, context);
        if (result.kind !== "written") return result;
        putRecord(tables, { ...result.record, state: "active" });
        return result;
      },
    }),
    ["R2 a decided record can be taken over"],
  ),
  broken(
    "lets anybody park",
    ({ park }) => ({
      park: (tables, request, context) =>
        park(tables, { ...request, ...claimantOf(recordOf(tables, request.txId)) }, context),
    }),
    ["R4 parking is a note"],
  ),
  broken(
    "counts what is parked as done",
    ({ park }) => ({
      park(tables, request, context) {
        removeFromIndex(tables, request.txId);
        return park(tables, request, context);
      },
    }),
    ["R4 parking is a note"],
  ),
  broken(
    "removes ended records as early as branch records",
    ({ sweepLog }) => ({ sweepLog: (tables, args, { now }) => sweepLog(tables, args, { now: now + 20_000_000 }) }),
    ["P7 an ended record is kept longer"],
  ),
  broken(
    "counts the time for which an outcome is kept from the beginning",
    ({ end }) => ({
      end: (tables, request, context) =>
        end(tables, request, { now: recordOf(tables, request.txId)?.begunAt ?? context.now }),
    }),
    ["P7 an outcome is kept from its end"],
  ),
  broken("never removes anything", () => ({ sweepLog: () => ({ removable: [], more: false }) }), [
    "P7 an ended record",
    "R7 a sweep reads no more",
  ]),
  broken(
    "removes what it sweeps before its branches have forgotten",
    ({ sweepLog }) => ({
      sweepLog(tables, args, context) {
        const swept = sweepLog(tables, args, context);
        for (const { record } of swept.removable) tables.delete(recordTable, record.txId);
        return swept;
      },
    }),
    ["P7 an ended record"],
  ),
  broken(
    "removes whatever has the name, due or not",
    () => ({
      removeSwept(tables, { places }) {
        for (const { txId } of places) tables.delete(recordTable, txId);
      },
    }),
    ["R5 a sweep that was overtaken", "P7 a postponed outcome"],
  ),
  broken("keeps nothing for longer", () => ({ postponeSwept: () => undefined }), ["P7 a postponed outcome"]),
  broken(
    "keeps failures until branches forget them",
    ({ sweepLog }) => ({
      sweepLog: (tables, args, context) =>
        sweepLog(
          losing(tables, (table, _key, value) => table === recordTable && value === undefined),
          args,
          context,
        ),
    }),
    ["P7 a failure has no branch that asks"],
  ),
  broken(
    "removes what is old, ended or not",
    ({ sweepLog, unfinished }) => ({
      sweepLog(tables, { limit }, context) {
        for (const { txId, begunAt } of unfinished(tables, { owner: "order/a.1", limit }, context)) {
          if (begunAt + 20_000_000 > context.now) continue;
          removeFromIndex(tables, txId);
          tables.delete(recordTable, txId);
        }
        return sweepLog(tables, { limit }, context);
      },
    }),
    ["S7 a sweep never removes"],
  ),
  broken(
    "sweeps everything at once",
    ({ sweepLog }) => ({ sweepLog: (tables, _args, context) => sweepLog(tables, { limit: 1_000 }, context) }),
    ["R7 a sweep reads no more", "P7 a failure has no branch that asks"],
  ),
];

export const brokenWrites: readonly Broken<KeyedAdapter>[] = [...decisions, ...takeovers];
