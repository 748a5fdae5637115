// Every port as plain maps: small enough to be seen to be right, and without a line of what it is compared with.
import type { Call, SynchronousPorts } from "./call.ts";
import { ModelAccounts } from "./model-accounts.ts";
import { ModelBranches } from "./model-branches.ts";
import { ModelLease } from "./model-lease.ts";
import { ModelLog } from "./model-log.ts";
import { ModelRows } from "./model-rows.ts";
import type { Surroundings } from "./surroundings.ts";

export class Model implements SynchronousPorts {
  readonly rows: ModelRows = new ModelRows();
  readonly accounts: ModelAccounts = new ModelAccounts();
  readonly log: ModelLog;
  readonly lease: ModelLease;
  readonly store: ModelBranches;

  constructor(surroundings: Surroundings) {
    this.log = new ModelLog(this.rows, surroundings);
    this.lease = new ModelLease(surroundings);
    this.store = new ModelBranches(this.accounts, surroundings);
  }

  /** Calls that read all there is to read. */
  readings(): readonly Call[] {
    const records = [...this.log.all.keys()].flatMap((txId): Call[] => [
      { port: "log", method: "read", args: [txId] },
      { port: "log", method: "history", args: [txId] },
    ]);
    const rows = [...this.rows.all.keys()].map((key): Call => ({ port: "rows", method: "readRow", args: [key] }));
    const accounts = [...this.accounts.all.keys()].map((accountId): Call => {
      return { port: "accounts", method: "find", args: [accountId] };
    });
    const leases = [...this.lease.granted.keys()].map((name): Call => {
      return { port: "lease", method: "current", args: [name] };
    });
    const limit = this.log.all.size + 1;
    const owners = new Set([...this.log.all.values()].map(({ owner }) => owner));
    const unfinished = [...owners].map((owner): Call => {
      return { port: "log", method: "unfinished", args: [owner, { limit }] };
    });
    const listed: Call = { port: "log", method: "owners", args: [undefined, limit] };
    return [
      ...records,
      ...rows,
      ...accounts,
      ...leases,
      ...unfinished,
      listed,
      { port: "accounts", method: "totals", args: [] },
    ];
  }
}
