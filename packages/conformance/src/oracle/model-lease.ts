// Leases, as the port `Lease` promises them (R7).
import type { Lease, LeaseGrant } from "assent/internal/ports";
import type { Synchronous } from "./call.ts";
import type { Surroundings } from "./surroundings.ts";

export class ModelLease implements Synchronous<Lease> {
  /** The grants in force, and those that have lapsed since. */
  readonly granted = new Map<string, LeaseGrant>();
  /** The latest counter of each name. */
  readonly #counters = new Map<string, number>();
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  acquire(name: string, holder: string, ttlMs: number): LeaseGrant {
    const { now, met } = this.#surroundings;
    const inForce = this.current(name);
    if (inForce !== undefined && inForce.holder !== holder) {
      met("R7 another has the lease");
      return inForce;
    }
    met(inForce === undefined ? "R7 a free lease is granted" : "R7 a lease is renewed");
    const counter = inForce?.counter ?? Math.max(now(), (this.#counters.get(name) ?? 0) + 1);
    const grant: LeaseGrant = { counter, holder, until: now() + ttlMs };
    this.#counters.set(name, counter);
    this.granted.set(name, grant);
    return grant;
  }

  release(name: string, holder: string): void {
    const grant = this.current(name);
    if (grant?.holder === holder) this.granted.delete(name);
    this.#surroundings.met(grant?.holder === holder ? "R7 a lease is released" : "R7 nothing to release");
  }

  current(name: string): LeaseGrant | undefined {
    const grant = this.granted.get(name);
    return grant !== undefined && this.#surroundings.now() < grant.until ? grant : undefined;
  }
}
