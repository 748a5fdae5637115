// Conversations with a participant that sells seats of flights, with the answers and the seats that the rules demand.
// They test a participant in any language: send the commands in order, compare the answers and the seats.
import { applyCommand, type BranchHandler } from "assent/internal/participant";
import {
  type Answer,
  type BranchRecord,
  type Command,
  defaultLimits,
  type ActionResult,
  type Protocol,
  type Verb,
  verbTable,
} from "assent/internal/protocol";

export interface Seats {
  readonly free: number;
  readonly held: number;
  readonly booked: number;
}

/** One branch: what it is sent, what it answers, and what that leaves of its flight. */
export interface Conversation {
  readonly flight: string;
  readonly before: Seats;
  readonly commands: readonly Command[];
  readonly answers: readonly Answer[];
  readonly after: Seats;
}

export interface Conversations {
  /** What the participant's clock shows during all of them, epoch milliseconds. */
  readonly now: number;
  readonly limits: { readonly maxAgeMs: number; readonly clockSkewMs: number };
  readonly conversations: readonly Conversation[];
}

const now = 1_700_000_000_000;
const before: Seats = { free: 5, held: 0, booked: 0 };
const epoch = now - 1_000;
const old = now - defaultLimits.maxAgeMs - 1;

type Change = Partial<Command>;

/** The payload of a step: the action of the service, and its input. */
// oxlint-disable-next-line typescript/explicit-function-return-type -- plain JSON
const booking = (flight: string, seats: number) => ({ action: "book", input: { flight, seats } });

/** Messages of an earlier and of a later owner. */
const ofOtherOwners: readonly Change[] = [{ epoch: epoch - 1 }, { epoch: epoch + 1 }];

/** Every sequence of up to three verbs in either protocol, and single messages at the limits. */
export function conversations(): Conversations {
  const made: Conversation[] = [];
  const add = (protocol: Protocol, sent: readonly (readonly [verb: Verb, change: Change])[]): void => {
    made.push(conversation(`f${made.length + 1}`, protocol, sent));
  };
  for (const protocol of ["2pc", "saga"] as const) {
    const { vote, forward, backward } = verbTable[protocol];
    const verbs: readonly Verb[] = [vote, forward, backward, "query-or-prevent", "forget"];
    for (const first of verbs) {
      for (const second of verbs) {
        for (const third of verbs)
          add(
            protocol,
            [first, second, third].map((verb) => [verb, {}] as const),
          );
        for (const change of ofOtherOwners) {
          add(protocol, [
            [first, {}],
            [second, change],
            [first, {}],
          ]);
        }
        const other = { payload: booking(`f${made.length + 1}`, 2) };
        add(protocol, [
          [first, {}],
          [second, other],
        ]);
      }
      for (const change of [
        { begunAt: old },
        { begunAt: old + 1 },
        { deadlineAt: now - defaultLimits.clockSkewMs - 1 },
        { deadlineAt: now - defaultLimits.clockSkewMs },
        { epoch: now + 31_622_400_001 },
        { payload: booking(`f${made.length + 1}`, 6) },
        { payload: booking("nowhere", 1) },
        { payload: { action: "paint", input: {} } },
      ]) {
        add(protocol, [
          [first, change],
          [first, change],
          [backward, change],
        ]);
      }
    }
  }
  const { maxAgeMs, clockSkewMs } = defaultLimits;
  return { now, limits: { maxAgeMs, clockSkewMs }, conversations: made };
}

/** Answered by the machine of the library itself. */
function conversation(
  flight: string,
  protocol: Protocol,
  sent: readonly (readonly [verb: Verb, change: Change])[],
): Conversation {
  const commands = sent.map(([verb, change]): Command => {
    const common = { txId: `trip-${flight}:1:1`, branchId: "seat/0", protocol, epoch, begunAt: epoch };
    return { ...common, verb, payload: booking(flight, 3), origin: "{}", deadlineAt: now + 9_000, ...change };
  });
  const seats = { ...before };
  let record: BranchRecord | undefined;
  const records = { read: () => record, write: (next: BranchRecord) => void (record = next) };
  const step = { records, view: { flight, seats }, handler: seller, limits: defaultLimits, now };
  const answers = commands.map((command) => applyCommand(command, step));
  return { flight, before, commands, answers, after: { ...seats } };
}

interface Flight {
  readonly flight: string;
  readonly seats: { -readonly [Name in keyof Seats]: number };
}

const soldOut: ActionResult = { kind: "refused", reason: "sold_out" };

const moves =
  (source: keyof Seats, target: keyof Seats): BranchHandler<Flight>["prepare"] =>
  ({ view, payload }) => {
    const { action, input } = payload as unknown as ReturnType<typeof booking>;
    if (action !== "book") return { kind: "refused", reason: "unknown_action" };
    const { flight, seats: count } = input;
    const { seats } = view;
    if (flight !== view.flight || seats[source] < count) return soldOut;
    seats[source] -= count;
    seats[target] += count;
    return { kind: "ok" };
  };

const seller: BranchHandler<Flight> = {
  prepare: moves("free", "held"),
  commit: moves("held", "booked"),
  abort: moves("held", "free"),
  execute: moves("free", "booked"),
  compensate: moves("booked", "free"),
  reapply: moves("free", "booked"),
};
