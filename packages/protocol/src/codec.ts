// Messages as bytes: UTF-8 JSON with a version, decoded by hand so that nothing malformed gets past this file (M3).
// Command batch {"v":1,"commands":[…]}, answer batch {"v":1,"answers":[…]} in the order of the commands.
import { isJsonObject, type Json, nestsWithin } from "./json.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer, Command, Question, QuestionAnswer, TransactionOrigin } from "./messages.ts";
import { faultOfName } from "./name.ts";
import { branchStates, hasVerb, type Protocol, type Verb, verbs } from "./verbs.ts";

export const codecVersion = 1;

/** The bytes are not a message of this protocol version. `code` is stable. The message is to be dropped and counted. */
export class UndecodableMessage extends Error {
  readonly code = "undecodable_message";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UndecodableMessage";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeCommands(commands: readonly Command[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, commands }));
}

/** @throws {UndecodableMessage} */
export function decodeCommands(bytes: Uint8Array): Command[] {
  return list(open(bytes), "commands").map((item) => {
    checkCommand(item);
    return item as unknown as Command;
  });
}

export function encodeAnswers(answers: readonly Answer[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, answers }));
}

/** @throws {UndecodableMessage} */
export function decodeAnswers(bytes: Uint8Array): Answer[] {
  return list(open(bytes), "answers").map((item) => {
    checkAnswer(item);
    return item as unknown as Answer;
  });
}

export function encodeQuestions(questions: readonly Question[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, questions }));
}

/** @throws {UndecodableMessage} */
export function decodeQuestions(bytes: Uint8Array): Question[] {
  return list(open(bytes), "questions").map((item) => {
    text(item, "txId");
    text(item, "branchId");
    oneOf(item, "protocol", ["2pc", "saga"]);
    whole(item, "epoch");
    whole(item, "begunAt");
    string(item, "origin");
    return item as unknown as Question;
  });
}

export function encodeQuestionAnswers(answers: readonly QuestionAnswer[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, questionAnswers: answers }));
}

/** @throws {UndecodableMessage} */
export function decodeQuestionAnswers(bytes: Uint8Array): QuestionAnswer[] {
  return list(open(bytes), "questionAnswers").map((item) => {
    if (item["kind"] === "decided") {
      oneOf(item, "decision", ["commit", "abort"]);
      whole(item, "epoch");
      check(typeof item["ended"] === "boolean", "ended is not a boolean");
    } else {
      oneOf(item, "kind", ["wait"]);
    }
    return item as unknown as QuestionAnswer;
  });
}

export function encodeOrigin(origin: TransactionOrigin): string {
  return JSON.stringify(origin);
}

/** @throws {UndecodableMessage} */
export function decodeOrigin(encoded: string): TransactionOrigin {
  const value = parse(encoded);
  check(isJsonObject(value), "the origin is not an object");
  for (const name of ["coordinator", "key", "definition"]) text(value, name);
  for (const name of ["definitionHash", "deadlineAt"]) whole(value, name);
  nested(value, "input");
  return value as unknown as TransactionOrigin;
}

type Fields = { readonly [key: string]: Json };

function open(bytes: Uint8Array): Fields {
  check(bytes.byteLength <= defaultLimits.messageBytesMax, `message of ${bytes.byteLength} bytes is too large`);
  let decoded: string;
  try {
    decoded = decoder.decode(bytes);
  } catch (cause) {
    throw new UndecodableMessage("the message is not UTF-8", { cause });
  }
  const value = parse(decoded);
  check(isJsonObject(value), "the message is not an object");
  check(value["v"] === codecVersion, `message version ${shown(value["v"])}, this speaks ${codecVersion}`);
  return value;
}

function parse(encoded: string): Json {
  try {
    return JSON.parse(encoded) as Json;
  } catch (cause) {
    throw new UndecodableMessage("the message is not JSON", { cause });
  }
}

function checkCommand(item: Fields): void {
  text(item, "txId");
  text(item, "branchId");
  oneOf(item, "verb", verbs);
  oneOf(item, "protocol", ["2pc", "saga"]);
  const verb = item["verb"] as Verb;
  check(hasVerb(item["protocol"] as Protocol, verb), `${verb} is not a verb of ${item["protocol"] as string}`);
  whole(item, "epoch");
  whole(item, "begunAt");
  if (item["deadlineAt"] !== undefined) whole(item, "deadlineAt");
  if (item["origin"] !== undefined) string(item, "origin");
  const needsPayload = verb !== "forget" && verb !== "abort" && verb !== "compensate";
  if (needsPayload || item["payload"] !== undefined) nested(item, "payload");
}

function checkAnswer(item: Fields): void {
  switch (item["kind"]) {
    case "done":
      oneOf(item, "state", branchStates);
      if (item["refusal"] !== undefined) string(item, "refusal");
      return;
    case "conflict":
      return oneOf(item, "state", branchStates);
    case "fenced":
      return whole(item, "epoch");
    case "refused":
    case "hazard":
    case "unknown":
      return string(item, "reason");
    default:
      return oneOf(item, "kind", ["contended", "expired", "forgotten", "mismatch"]);
  }
}

function list(value: Fields, name: string): Fields[] {
  const items = value[name];
  check(Array.isArray(items) && items.every((item) => isJsonObject(item)), `${name} is not a list of objects`);
  return items as unknown as Fields[];
}

function text(item: Fields, name: string): void {
  const fault = faultOfName(item[name]);
  check(fault === undefined, `${name} ${fault ?? ""}`);
}

function string(item: Fields, name: string): void {
  check(typeof item[name] === "string", `${name} is not a text`);
}

function nested(item: Fields, name: string): void {
  const value = item[name];
  check(value !== undefined, `${name} is missing`);
  check(nestsWithin(value, defaultLimits.nestingMax), `${name} is nested deeper than ${defaultLimits.nestingMax}`);
}

/** Something wrong, for an error message: short, whatever it is. */
function shown(value: Json | undefined): string {
  return typeof value === "object" && value !== null ? "a structure" : String(value).slice(0, 40);
}

function whole(item: Fields, name: string): void {
  check(Number.isSafeInteger(item[name]) && (item[name] as number) >= 0, `${name} is not a whole number`);
}

function oneOf(item: Fields, name: string, allowed: readonly string[]): void {
  check(allowed.includes(item[name] as string), `${name} is ${shown(item[name])}, not ${allowed.join(" | ")}`);
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new UndecodableMessage(message);
}
