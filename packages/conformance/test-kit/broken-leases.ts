// Leases that are granted wrongly.
import { leaseTable } from "assent/internal/engine";
import type { KeyedAdapter } from "@assent/conformance";
import type { LeaseGrant, Tables } from "assent/internal/ports";
import { type Break, brokenStore, unorderedStore } from "./broken-operations.ts";
import type { Broken } from "./catches.ts";

const ttlMs = 5_000;

const grantOf = (tables: Tables, name: string): LeaseGrant | undefined => tables.get(leaseTable, name);

function putGrant(tables: Tables, name: string, grant: LeaseGrant): void {
  tables.put(leaseTable, name, grant);
}

const broken = (that: string, change: Break, caughtBy: Broken<KeyedAdapter>["caughtBy"]): Broken<KeyedAdapter> => ({
  that,
  open: brokenStore(change),
  caughtBy,
});

/** An acquire whose grant is changed before it is stored and answered. */
const granting =
  (change: (grant: LeaseGrant, before: LeaseGrant | undefined, now: number) => LeaseGrant): Break =>
  ({ acquireLease }) => ({
    acquireLease(tables, request, context) {
      const before = grantOf(tables, request.name);
      const grant = change(acquireLease(tables, request, context), before, context.now);
      putGrant(tables, request.name, grant);
      return grant;
    },
  });

/** From 1, and one more for each term. */
function counterAfter({ until }: LeaseGrant, before: LeaseGrant | undefined): number {
  if (before === undefined) return 1;
  return before.until > until - ttlMs ? before.counter : before.counter + 1;
}

export const brokenLeases: readonly Broken<KeyedAdapter>[] = [
  broken(
    "lets two in",
    ({ acquireLease }) => ({
      acquireLease(tables, request, context) {
        const grant = grantOf(tables, request.name);
        if (grant !== undefined) putGrant(tables, request.name, { ...grant, until: 0 });
        return acquireLease(tables, request, context);
      },
    }),
    ["R7 a held lease is not granted to another process", "R7 of concurrent requests"],
  ),
  { that: "does not see the step before", open: unorderedStore, caughtBy: ["R7 of concurrent requests"] },
  broken(
    "gives every holder the same counter",
    granting((grant) => ({ ...grant, counter: 1 })),
    ["R7 the counter grows", "R7 a released lease is free"],
  ),
  broken(
    "keeps the counter of a holder that comes back",
    granting((grant, before) => (before?.holder === grant.holder ? { ...grant, counter: before.counter } : grant)),
    ["R7 a holder whose lease lapsed"],
  ),
  broken(
    "counts anew when a grant has been removed",
    granting((grant, before) => ({ ...grant, counter: counterAfter(grant, before) })),
    ["R7 the counter keeps growing when the lease was free"],
  ),
  broken(
    "counts anew after a release",
    ({ releaseLease }) => ({
      releaseLease(tables, request, context) {
        if (grantOf(tables, request.name)?.holder === request.holder) tables.delete(leaseTable, request.name);
        return releaseLease(tables, request, context);
      },
    }),
    ["R7 a released lease is free at once, and its counter"],
  ),
  broken(
    "counts renewals",
    granting((grant, before) => ({ ...grant, counter: Math.max(grant.counter, (before?.counter ?? 0) + 1) })),
    ["R7 renewing extends the lease and keeps its counter"],
  ),
  broken(
    "does not extend what is renewed",
    granting((grant, before) =>
      before?.holder === grant.holder ? { ...grant, until: Math.max(before.until, grant.until - 2_000) } : grant,
    ),
    ["R7 renewing extends the lease"],
  ),
  broken("holds on to a released lease", () => ({ releaseLease: () => null }), ["R7 a released lease is free at once"]),
  broken(
    "lets anybody release",
    ({ releaseLease }) => ({
      releaseLease: (tables, { name, holder }, context) =>
        releaseLease(tables, { name, holder: grantOf(tables, name)?.holder ?? holder }, context),
    }),
    ["R7 only the holder releases a lease"],
  ),
  broken(
    "shows a lease that has lapsed",
    ({ currentLease }) => ({ currentLease: (tables, request) => currentLease(tables, request, { now: 0 }) }),
    ["R7 a free lease is granted until its time is over"],
  ),
  broken(
    "has one lease for all names",
    ({ acquireLease, currentLease, releaseLease }) => ({
      acquireLease: (tables, request, context) => acquireLease(tables, { ...request, name: "any" }, context),
      currentLease: (tables, _request, context) => currentLease(tables, { name: "any" }, context),
      releaseLease: (tables, { holder }, context) => releaseLease(tables, { name: "any", holder }, context),
    }),
    ["R7 leases of different names are independent"],
  ),
];
