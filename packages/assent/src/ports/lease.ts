// Leases are hints about who is alive and who sweeps. Safety never depends on one (R1, R7).

export interface LeaseGrant {
  /** Grows with every change of holder, whatever the store has forgotten meanwhile: a fencing counter. */
  readonly counter: number;
  readonly holder: string;
  /** Store time, epoch milliseconds, at which it lapses unless renewed. */
  readonly until: number;
}

export interface Lease {
  /** Takes or renews the lease; returns the resulting grant, its own or that of another holder. */
  acquire(name: string, holder: string, ttlMs: number): Promise<LeaseGrant>;
  /** Gives the lease up if `holder` has it. */
  release(name: string, holder: string): Promise<void>;
  /** The grant in force, or undefined when there is none or it has lapsed. */
  current(name: string): Promise<LeaseGrant | undefined>;
}
