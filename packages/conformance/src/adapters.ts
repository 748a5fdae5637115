// What the suites ask of an adapter: the port under test, and what a test needs to look behind it.
import type { Account, LedgerTotals, LedgerWrite, SeedRequest } from "assent/ledger";
import type { BranchStore, Lease, RowStore, TransactionLog, Transport } from "assent/internal/ports";
import type { KeyedEngine } from "assent/internal/engine";

export interface LogAdapter {
  readonly log: TransactionLog;
  readonly rows: RowStore;
}

/** The accounts of a ledger, outside of transactions. */
export interface Accounts {
  seed(request: SeedRequest): Promise<unknown>;
  find(accountId: string): Promise<Account | undefined>;
  open(request: { accountId: string; generation: string; details: null }): Promise<unknown>;
  deposit(accountId: string, amount: number): Promise<LedgerWrite>;
  withdraw(accountId: string, amount: number): Promise<LedgerWrite>;
  totals(): Promise<LedgerTotals>;
}

/** A branch store whose branches are a ledger's; refusals are called `insufficient` and `absent`. */
export interface LedgerAdapter {
  readonly store: BranchStore;
  readonly accounts: Accounts;
}

export const ledgerReasons = { insufficient: "insufficient", absent: "absent" } as const;

export interface LeaseAdapter {
  readonly lease: Lease;
}

export type Endpoint = (message: Uint8Array) => Promise<Uint8Array | undefined>;

export interface TransportAdapter {
  /** A transport that reaches these services, and waits by the clock of the case. */
  connect(endpoints: Readonly<Record<string, Endpoint>>): Transport | Promise<Transport>;
}

export interface EngineAdapter {
  readonly engine: KeyedEngine;
  /** Closes the engine and opens what it left. Never called at D0. */
  readonly reopen: () => KeyedEngine | Promise<KeyedEngine>;
  /**
   * Opens what a crash would have left, for crashes at moments between and inside the commits so far, in order; the
   * last one crashed after everything. The caller is done with each before it takes the next. Never called at D0.
   */
  readonly crashes: () => Iterable<KeyedEngine>;
}
