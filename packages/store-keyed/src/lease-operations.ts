// Leases over tables, by store time.
import type { Lease, LeaseGrant, Tables } from "@assent/orchestrator";
import type { Executor } from "./executor.ts";
import type { StepContext } from "./step.ts";

const leaseTable = "leases";

const read = (tables: Tables, name: string): LeaseGrant | undefined =>
  tables.get(leaseTable, name) as LeaseGrant | undefined;

export const leaseOperations = {
  acquireLease(
    tables: Tables,
    { name, holder, ttlMs }: { name: string; holder: string; ttlMs: number },
    { now }: StepContext,
  ): LeaseGrant {
    const grant = read(tables, name);
    if (grant !== undefined && grant.holder !== holder && grant.until > now) return grant;
    // A holder that let its lease lapse is a new holder: somebody else may have acted in between.
    const renews = grant !== undefined && grant.until > now;
    const counter = renews ? grant.counter : (grant?.counter ?? 0) + 1;
    const next: LeaseGrant = { counter, holder, until: now + ttlMs };
    tables.put(leaseTable, name, next as never);
    return next;
  },

  releaseLease(tables: Tables, { name, holder }: { name: string; holder: string }): null {
    const grant = read(tables, name);
    // The counter stays: it must grow for the next holder.
    if (grant?.holder === holder) tables.put(leaseTable, name, { ...grant, until: 0 });
    return null;
  },

  currentLease(tables: Tables, { name }: { name: string }, { now }: StepContext): LeaseGrant | null {
    const grant = read(tables, name);
    return grant !== undefined && grant.until > now ? grant : null;
  },
};

export type LeaseOperations = typeof leaseOperations;

export function keyedLease(executor: Executor<LeaseOperations>): Lease {
  return {
    acquire: (name, holder, ttlMs) => executor.run("acquireLease", { name, holder, ttlMs }),
    release: async (name, holder) => void (await executor.run("releaseLease", { name, holder })),
    current: async (name) => (await executor.run("currentLease", { name })) ?? undefined,
  };
}
