// The request of a caller of `run`, checked before anything else happens.
import {
  canonicalJson,
  exactJson,
  faultOfName,
  isJsonObject,
  type Json,
  type JsonObject,
  NotJson,
  transactionId,
} from "../protocol/index.ts";
import { incarnationOf } from "./begin-request.ts";
import { checkContent, type Plannable, type PlanLimits } from "./definition.ts";
import { InvalidInput, parseInput } from "./standard-schema.ts";

/** `key`: what the transaction belongs to, such as an order id. One attempt at a time; a success is final. */
export type RunRequest =
  /** Begins with this input. A key that was begun with other input is refused (`unmet`). */
  | { readonly key: string; readonly input: JsonObject }
  /** Begins with the row under the key, which the service that owns it has put there. */
  | { readonly key: string; readonly fromRow: true };

/** What the attempt begins with: the input as the schema returned it, or the row under the key. */
export interface CheckedRequest {
  readonly key: string;
  readonly input?: JsonObject;
}

/**
 * The request with the input as it is stored, compared and planned with: parsed, so that a default makes no difference.
 * @throws {InvalidInput}
 */
export function checkedRequest<Input>(
  transaction: Pick<Plannable<Input>, "name" | "input">,
  request: RunRequest,
  limits: PlanLimits,
): CheckedRequest {
  const { key } = request;
  checkKey(key, limits);
  const given = "input" in request ? request.input : undefined;
  const fromRow = "fromRow" in request && request.fromRow;
  if ((given !== undefined) === fromRow) throw new InvalidInput("give either `input` or `fromRow: true`");
  if (given === undefined) return { key };
  const input = carriedInput(transaction, given, limits);
  const { length } = transactionId({ key, incarnation: incarnationOf(input), attempt: 1 });
  const roomMax = limits.idLengthMax - (length - key.length);
  if (key.length > roomMax) throw new InvalidInput(`the key has ${key.length} characters, limit ${roomMax}`);
  return { key, input };
}

/** @throws {InvalidInput} */
export function checkKey(key: string, { idLengthMax }: PlanLimits): void {
  const fault = faultOfName(key, idLengthMax);
  if (fault !== undefined) throw new InvalidInput(`the key ${fault}`);
}

function carriedInput<Input>(
  transaction: Pick<Plannable<Input>, "name" | "input">,
  given: JsonObject,
  limits: PlanLimits,
): JsonObject {
  const parsed = carried("the input", parsedBy(transaction, carried("the input", given, limits)), limits);
  if (!isJsonObject(parsed)) throw new InvalidInput("the input is not an object");
  checkContent("the input", parsed, { limits, fail: (message) => new InvalidInput(message) });
  const again = carried("the input, parsed twice,", parsedBy(transaction, parsed), limits);
  // Recovery parses what is stored. A schema that changes its own output would plan other branches there.
  if (canonicalJson(again) === canonicalJson(parsed)) return parsed;
  throw new InvalidInput(`the schema of ${transaction.name} changes its own output: it must leave that as it is`);
}

/** A schema that throws instead of answering refuses the input, too. */
function parsedBy<Input>(transaction: Pick<Plannable<Input>, "name" | "input">, value: Json): Input {
  try {
    return parseInput(transaction.input, value);
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    throw new InvalidInput(`the schema of ${transaction.name} failed: ${String(error)}`, { cause: error });
  }
}

function carried(what: string, value: unknown, { nestingMax, payloadBytesMax }: PlanLimits): Json {
  try {
    return exactJson(value, { nestingMax, valuesMax: payloadBytesMax, keysRefused: ["__proto__"] });
  } catch (error) {
    const why = error instanceof NotJson ? error.message : `it cannot be read: ${String(error)}`;
    throw new InvalidInput(`${what} cannot be carried as JSON: ${why}`, { cause: error });
  }
}
