// A call of any method of any port, as data: it can be made to an adapter and to a model, and be shown.
//
// Everything about calls follows from the types of the ports: a method that is added to a port does not compile until
// the model has it and its outcomes are named.
import type { KeyedAdapter } from "../keyed-adapters.ts";
import { hasIllFormed } from "./odd-names.ts";

type Method = (...args: never[]) => unknown;

/** A port that answers at once. */
export type Synchronous<Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Awaited<Result>
    : never;
};

/** Every port, answering at once. */
export type SynchronousPorts = { readonly [Port in keyof KeyedAdapter]: Synchronous<KeyedAdapter[Port]> };

type CallOf<Port extends keyof KeyedAdapter> = {
  [Name in keyof KeyedAdapter[Port] & string]: {
    readonly port: Port;
    readonly method: Name;
    readonly args: KeyedAdapter[Port][Name] extends (...args: infer Args) => unknown ? Args : never;
  };
}[keyof KeyedAdapter[Port] & string];

export type Call = { [Port in keyof KeyedAdapter]: CallOf<Port> }[keyof KeyedAdapter];

type NameOf<Any> = Any extends { port: infer Port extends string; method: infer Name extends string }
  ? `${Port}.${Name}`
  : never;

/** Such as `log.begin`. */
export type CallName = NameOf<Call>;

export function nameOf({ port, method }: Call): CallName {
  return `${port}.${method}` as CallName;
}

/** What a call came to. What it was rejected with is for people, and not compared. */
export type Answered = { readonly answer: unknown } | { readonly rejected: string };

/** Thrown by a model where an adapter has to reject. */
export class Rejected extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Rejected";
  }
}

/** Calls whose answer nobody promises anything of. */
const silent: ReadonlySet<CallName> = new Set(["accounts.seed", "accounts.open", "rows.putRow", "rows.putRows"]);

/** Makes a call to an adapter. Never rejects. */
export async function ask(adapter: KeyedAdapter, call: Call): Promise<Answered> {
  try {
    const answer = await methodOf(adapter, call)(...(call.args as never[]));
    return { answer: silent.has(nameOf(call)) ? undefined : answer };
  } catch (error) {
    return { rejected: String(error) };
  }
}

/** Makes a call to a model. */
export function perform(model: SynchronousPorts, call: Call): Answered {
  try {
    // One command of a message does not drop the others (M4).
    if (call.port !== "store" && hasIllFormed(call.args)) throw new Rejected("a name is not well-formed Unicode");
    return { answer: methodOf(model, call)(...(call.args as never[])) };
  } catch (error) {
    if (error instanceof Rejected) return { rejected: error.message };
    throw error;
  }
}

function methodOf(ports: KeyedAdapter | SynchronousPorts, { port, method }: Call): Method {
  // Calls are drawn from the methods of the ports.
  const methods = ports[port] as unknown as Readonly<Record<string, Method>>;
  return methods[method]?.bind(methods) as Method;
}
