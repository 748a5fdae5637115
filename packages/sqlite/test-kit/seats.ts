// A service that sells seats from a table of its own, with SQL as an application would write it.
import type { AsyncBranchHandler } from "assent/internal/participant";
import type { Command, Verb } from "assent/internal/protocol";
import type { DatabaseSync } from "node:sqlite";

export function makeSeats(database: DatabaseSync, free: number): void {
  database.exec("CREATE TABLE IF NOT EXISTS seats (flight TEXT PRIMARY KEY, free INT, held INT, booked INT) STRICT");
  database.prepare("INSERT OR IGNORE INTO seats VALUES ('ba7', ?, 0, 0)").run(free);
}

export interface Seats {
  readonly free: number;
  readonly held: number;
  readonly booked: number;
}

export function seatsOf(database: DatabaseSync): Seats {
  return { ...(database.prepare("SELECT free, held, booked FROM seats").get() as unknown as Seats) };
}

type Column = keyof Seats;
type Operation = AsyncBranchHandler<DatabaseSync>["prepare"];

/** Writes first and looks afterwards: a refusal has to undo what was written. */
const move =
  (source: Column, target: Column): Operation =>
  ({ db, payload }) => {
    const { seats } = payload as { seats: number };
    db.prepare(`UPDATE seats SET ${source} = ${source} - ?, ${target} = ${target} + ?`).run(seats, seats);
    const left = Number(db.prepare(`SELECT ${source} AS seats FROM seats`).get()?.["seats"]);
    return left < 0 ? { kind: "refused", reason: "sold_out" } : { kind: "ok" };
  };

export const seatSeller: AsyncBranchHandler<DatabaseSync> = {
  prepare: move("free", "held"),
  commit: move("held", "booked"),
  abort: move("held", "free"),
  execute: move("free", "booked"),
  compensate: move("booked", "free"),
  reapply: move("free", "booked"),
};

export function seatCommand(verb: Verb, number: number, { seats = 1, now }: { seats?: number; now: number }): Command {
  const common = { txId: `trip-${number}:1:1`, branchId: "seat/0", protocol: "2pc", epoch: now, begunAt: now } as const;
  return { ...common, verb, payload: { seats }, origin: "{}" };
}
