// The peers, each with its program and the tables that it finds.
import { join } from "node:path";
import type { Peer } from "./peer.ts";
import { plainDbos, plainRestate } from "./plain-steps.ts";
import { assentPeer, dbosPeer } from "./program-peer.ts";
import { RestatePeer } from "./restate-peer.ts";

export interface Entry {
  readonly make: () => Peer;
  /** A folder of `programs`. */
  readonly program: string;
  readonly schemas: readonly string[];
  /** Makes the first step of the installed program one without protection: only what is lost by that is run. */
  readonly plain?: (folder: string) => void;
}

export const programs = join(import.meta.dirname, "../programs");
const shared = join(programs, "schema.sql");

const dbos = { make: dbosPeer, program: "dbos", schemas: [shared] };
const restate = {
  make: (): Peer => new RestatePeer(),
  program: "restate",
  schemas: [shared, join(programs, "restate/schema.sql")],
};

export const peers: Readonly<Record<string, Entry>> = {
  assent: { make: assentPeer, program: "assent", schemas: [shared] },
  dbos,
  restate,
  "dbos-plain": { ...dbos, plain: plainDbos },
  "restate-plain": { ...restate, plain: plainRestate },
};
