// Reaches every process of a service: a rule that only some of them know is unreliable and cannot be cleared. Requests
// and responses are bytes, for a bus or a thread.
import { type FaultRule, Problem } from "@assent/contract";
import type { ActiveFault, FaultRules } from "./fault-rules.ts";

type FaultRequest =
  | { readonly do: "set"; readonly rule: FaultRule }
  /** One point, or all points. */
  | { readonly do: "clear"; readonly point?: string }
  | { readonly do: "list" };

/** The rules of one process of a service, after a request. */
export interface InstanceFaults {
  readonly instance: string;
  readonly rules: readonly ActiveFault[];
}

/** Each rejects with {Problem} faults_unreachable when no process answers. */
export interface FaultControl {
  /** Points of the service. */
  readonly points: readonly string[];
  set(rule: FaultRule): Promise<void>;
  clear(point?: string): Promise<void>;
  list(): Promise<readonly InstanceFaults[]>;
}

/** @param askAll sends a request to every process of the service and resolves with their responses */
export function faultControl(
  points: readonly string[],
  askAll: (request: Uint8Array) => Promise<readonly Uint8Array[]>,
): FaultControl {
  const ask = async (request: FaultRequest): Promise<readonly InstanceFaults[]> => {
    const answers = await askAll(encoded(request));
    // The requesting process is one of those that are asked.
    if (answers.length === 0) throw unreachable();
    // `performFaultRequest` answers with nothing else.
    return answers.map((answer) => decoded(answer) as InstanceFaults);
  };
  return {
    points,
    set: async (rule) => void (await ask({ do: "set", rule })),
    clear: async (point) => void (await ask({ do: "clear", ...(point !== undefined && { point }) })),
    list: () => ask({ do: "list" }),
  };
}

function unreachable(): Problem {
  const message =
    "No process of the service answered, so the active rules are not known. Repeat the request, or read the rules.";
  return new Problem("faults_unreachable", message);
}

/** Executes a request in one process and returns its response. */
export function performFaultRequest(rules: FaultRules, instance: string, message: Uint8Array): Uint8Array {
  // `faultControl` sends nothing else.
  const request = decoded(message) as FaultRequest;
  if (request.do === "set") rules.set(request.rule);
  if (request.do === "clear") rules.clear(request.point);
  return encoded({ instance, rules: rules.list() } satisfies InstanceFaults);
}

const encoded = (value: FaultRequest | InstanceFaults): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decoded = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
