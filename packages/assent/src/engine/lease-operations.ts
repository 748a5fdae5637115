// Leases over tables, by store time.
import { type Lease, type LeaseGrant, operation, type ScannedTable, table, type Tables } from "../ports/index.ts";
import { defaultLimits, invariant } from "../protocol/index.ts";
import type { Executor } from "./executor.ts";

export const leaseTable: ScannedTable<LeaseGrant> = table("leases", "ordered");
/**
 * How long a lapsed grant is kept. It says nothing but its counter, which the next grant of its name has to exceed.
 * After this time every counter that begins from store time does, whatever the clocks differ by.
 */
export const lapsedKeptMs = 60_000;
/** Grants that a new name looks at: each process brings one name, so as many go as come. */
const removedMax = 256;

invariant(lapsedKeptMs > 2 * defaultLimits.clockSkewMs, "R7", "the counter of a lapsed grant is behind every clock");

/** The grant after a request for the lease: unchanged if another holder has it. */
export function grantAfter(
  grant: LeaseGrant | undefined,
  { holder, ttlMs }: { readonly holder: string; readonly ttlMs: number },
  now: number,
): LeaseGrant {
  if (grant !== undefined && grant.holder !== holder && grant.until > now) return grant;
  // A holder whose lease lapsed is a new holder: another process may have acted in between.
  const renews = grant !== undefined && grant.until > now;
  // From store time on: it exceeds those of former grants even where they have been removed, or lost.
  const counter = renews ? grant.counter : Math.max(now, (grant?.counter ?? 0) + 1);
  return { counter, holder, until: now + ttlMs };
}

/** The grant once its holder gives it up; undefined where there is nothing to give up. */
export function grantAfterRelease(grant: LeaseGrant | undefined, holder: string, now: number): LeaseGrant | undefined {
  // The counter stays for a while: it must grow for the next holder.
  return isInForce(grant, now) && grant.holder === holder ? { ...grant, until: now } : undefined;
}

export function isInForce(grant: LeaseGrant | undefined, now: number): grant is LeaseGrant {
  return grant !== undefined && grant.until > now;
}

export interface AcquireRequest {
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
}

export const leaseOperations = {
  acquireLease: operation("acquireLease", (tables, { name, ...request }: AcquireRequest, { now }): LeaseGrant => {
    const grant = tables.get(leaseTable, name);
    const next = grantAfter(grant, request, now);
    if (next === grant) return grant;
    if (grant === undefined) removeLapsed(tables, now);
    tables.put(leaseTable, name, next);
    return next;
  }),

  releaseLease: operation(
    "releaseLease",
    (tables, { name, holder }: { readonly name: string; readonly holder: string }, { now }): null => {
      const released = grantAfterRelease(tables.get(leaseTable, name), holder, now);
      if (released !== undefined) tables.put(leaseTable, name, released);
      return null;
    },
  ),

  currentLease: operation("currentLease", (tables, { name }: { readonly name: string }, { now }): LeaseGrant | null => {
    const grant = tables.get(leaseTable, name);
    return isInForce(grant, now) ? grant : null;
  }),
};

/** Owners' leases are named after one life of a process, so nobody would ever take theirs again. */
function removeLapsed(tables: Tables, now: number): void {
  for (const [name, grant] of tables.scan(leaseTable, { limit: removedMax })) {
    if (grant.until + lapsedKeptMs <= now) tables.delete(leaseTable, name);
  }
}

export function keyedLease(executor: Executor): Lease {
  return {
    acquire: (name, holder, ttlMs) => executor.run(leaseOperations.acquireLease, { name, holder, ttlMs }),
    release: async (name, holder) => void (await executor.run(leaseOperations.releaseLease, { name, holder })),
    current: async (name) => (await executor.run(leaseOperations.currentLease, { name })) ?? undefined,
  };
}
