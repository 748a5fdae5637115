// Messages as bytes: UTF-8 JSON with a version, decoded by hand so that nothing malformed gets past this file (M3).
// Command batch {"v":1,"commands":[…]}, answer batch {"v":1,"answers":[…]} in the order of the commands.
import { isJsonObject, type Json, nestsWithin, parseJson } from "./json.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer, Command, Question, QuestionAnswer, TransactionOrigin } from "./messages.ts";
import { faultOfName } from "./name.ts";
import { branchStates, hasVerb, type Protocol, type Verb, verbs } from "./verbs.ts";

export const codecVersion = 1;

/** A message, or one item of it, is not of this protocol version. `code` is stable. Drop it and count it. */
export class UndecodableMessage extends Error {
  readonly code = "undecodable_message";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UndecodableMessage";
  }
}

/** An item of a message, or why it is invalid: one invalid item never affects the others (M4). */
export type Decoded<Item> = Item | UndecodableMessage;

export function isDecoded<Item>(item: Decoded<Item>): item is Item {
  return !(item instanceof UndecodableMessage);
}

/** For a message that is useless without this item. @throws {UndecodableMessage} */
export function decoded<Item>(item: Decoded<Item>): Item {
  if (!isDecoded(item)) throw item;
  return item;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeCommands(commands: readonly Command[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, commands }));
}

/** @throws {UndecodableMessage} when the bytes are not a message of commands at all; likewise below */
export function decodeCommands(bytes: Uint8Array): Decoded<Command>[] {
  return items<Command>(open(bytes), "commands", checkCommand);
}

export function encodeAnswers(answers: readonly Answer[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, answers }));
}

/** @throws {UndecodableMessage} */
export function decodeAnswers(bytes: Uint8Array): Decoded<Answer>[] {
  return items<Answer>(open(bytes), "answers", checkAnswer);
}

export function encodeQuestions(questions: readonly Question[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, questions }));
}

/** @throws {UndecodableMessage} */
export function decodeQuestions(bytes: Uint8Array): Decoded<Question>[] {
  return items<Question>(open(bytes), "questions", (item) => {
    text(item, "txId");
    text(item, "branchId");
    oneOf(item, "protocol", ["2pc", "saga"]);
    whole(item, "epoch");
    whole(item, "begunAt");
    string(item, "origin");
  });
}

export function encodeQuestionAnswers(answers: readonly QuestionAnswer[]): Uint8Array {
  return encoder.encode(JSON.stringify({ v: codecVersion, questionAnswers: answers }));
}

/** @throws {UndecodableMessage} */
export function decodeQuestionAnswers(bytes: Uint8Array): Decoded<QuestionAnswer>[] {
  return items<QuestionAnswer>(open(bytes), "questionAnswers", (item) => {
    if (item["kind"] === "decided") {
      oneOf(item, "decision", ["commit", "abort"]);
      whole(item, "epoch");
      check(typeof item["ended"] === "boolean", "ended is not a boolean");
    } else {
      oneOf(item, "kind", ["wait"]);
    }
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
    return parseJson(encoded);
  } catch (cause) {
    throw new UndecodableMessage("the message is not JSON", { cause });
  }
}

function checkCommand(item: Fields): void {
  text(item, "txId");
  text(item, "branchId");
  oneOf(item, "verb", verbs);
  oneOf(item, "protocol", ["2pc", "saga"]);
  // Both are among their names, as was just checked.
  const { verb, protocol } = item as { readonly verb: Verb; readonly protocol: Protocol };
  check(hasVerb(protocol, verb), `${verb} is not a verb of ${protocol}`);
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
      if (item["output"] !== undefined) nested(item, "output");
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

/** Each item is checked by itself. */
function items<Item>(message: Fields, name: string, checkItem: (item: Fields) => void): Decoded<Item>[] {
  const list = message[name];
  check(Array.isArray(list), `${name} is not a list`);
  return list.map((item: Json): Decoded<Item> => {
    try {
      check(isJsonObject(item), `an item of ${name} is not an object`);
      checkItem(item);
      return item as unknown as Item;
    } catch (error) {
      if (!(error instanceof UndecodableMessage)) throw error;
      return error;
    }
  });
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
  const value = item[name];
  check(Number.isSafeInteger(value) && Number(value) >= 0, `${name} is not a whole number`);
}

function oneOf(item: Fields, name: string, allowed: readonly string[]): void {
  const value = item[name];
  check(typeof value === "string" && allowed.includes(value), `${name} is ${shown(value)}, not ${allowed.join(" | ")}`);
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new UndecodableMessage(message);
}
