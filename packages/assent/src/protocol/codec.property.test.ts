// Fuzz of the codec: bytes from anywhere are either a message or UndecodableMessage, and a message breaks nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decoded,
  decodeAnswers,
  decodeCommands,
  decodeOrigin,
  decodeQuestionAnswers,
  decodeQuestions,
  encodeAnswers,
  encodeCommands,
  encodeOrigin,
  encodeQuestionAnswers,
  encodeQuestions,
  isDecoded,
  UndecodableMessage,
} from "./codec.ts";
import { applyCommand, command } from "./fixtures.test.ts";
import { isJsonObject, type Json } from "./json.ts";
import type { Answer, Command, Question, QuestionAnswer } from "./messages.ts";
import { branchStates, type Protocol, verbs } from "./verbs.ts";

/** What JSON can say: there is no negative zero in it. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const id = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" });
const protocol: fc.Arbitrary<Protocol> = fc.constantFrom("2pc", "saga");
/** Values of every kind, with the edges that decoders forget. */
const anything: fc.Arbitrary<Json> = fc.oneof(
  json,
  fc.constantFrom<Json>(-1, 1.5, 2 ** 53, "", "\uD800", null, [], {}, [[]], "prepare", "done", "x".repeat(257)),
);

const commands = fc.array(
  fc
    .record({ txId: id, branchId: id, epoch: whole, begunAt: whole, payload: json, origin: fc.string() })
    .chain((fields) => fc.constantFrom(...verbs).map((verb): Command => ({ ...command(verb), ...fields }))),
  { maxLength: 4 },
);
const answers: fc.Arbitrary<Answer[]> = fc.array(
  fc.oneof(
    fc.constantFrom(...branchStates).map((state): Answer => ({ kind: "done", state })),
    fc.string().map((reason): Answer => ({ kind: "refused", reason })),
    whole.map((epoch): Answer => ({ kind: "fenced", epoch })),
    fc.constantFrom<Answer>({ kind: "contended" }, { kind: "expired" }, { kind: "mismatch" }),
  ),
  { maxLength: 4 },
);
const questions: fc.Arbitrary<Question[]> = fc.array(
  fc
    .record({ txId: id, branchId: id, protocol, epoch: whole, begunAt: whole, origin: fc.string() })
    .map((fields) => ({ ...fields })),
  { maxLength: 4 },
);
const questionAnswers: fc.Arbitrary<QuestionAnswer[]> = fc.array(
  fc.oneof(
    fc.constant<QuestionAnswer>({ kind: "wait" }),
    fc.boolean().map((ended): QuestionAnswer => ({ kind: "decided", decision: "abort", epoch: 3, ended })),
  ),
  { maxLength: 4 },
);

const decoders: readonly ((bytes: Uint8Array) => unknown)[] = [
  decodeCommands,
  decodeAnswers,
  decodeQuestions,
  decodeQuestionAnswers,
  (bytes) => decodeOrigin(new TextDecoder().decode(bytes)),
];

/** The messages that the mutations start from. */
const samples: readonly Json[] = [
  ...verbs.map((verb) => encodeCommands([command(verb)])),
  encodeAnswers([
    { kind: "done", state: "aborted", refusal: "r" },
    { kind: "fenced", epoch: 1 },
  ]),
  encodeQuestions([{ txId: "t", branchId: "b", protocol: "2pc", epoch: 1, begunAt: 1, origin: "o" }]),
  encodeQuestionAnswers([{ kind: "decided", decision: "commit", epoch: 1, ended: true }]),
  new TextEncoder().encode(
    encodeOrigin({
      coordinator: "c",
      key: "k",
      definition: "d",
      definitionHash: 1,
      input: 1,
      deadlineAt: 1,
    }),
  ),
].map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Json);

/** Replaces or removes what the path of choices leads to. */
function mutated(value: Json, path: readonly number[], replacement: Json | undefined): Json | undefined {
  const [choice, ...rest] = path;
  if (choice === undefined) return replacement;
  if (Array.isArray(value) && value.length > 0) {
    const at = choice % value.length;
    return value.flatMap((item: Json, index) => (index === at ? [mutated(item, rest, replacement) ?? []] : [item]));
  }
  if (!isJsonObject(value)) return replacement;
  const keys = Object.keys(value);
  const key = keys[choice % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  return { ...value, [key]: mutated(value[key] ?? null, rest, replacement) } as Json;
}

function decodesOrRefuses(bytes: Uint8Array): boolean {
  let isWhole = false;
  for (const decode of decoders) {
    try {
      const items = decode(bytes);
      isWhole = !Array.isArray(items) || items.every(isDecoded);
    } catch (error) {
      assert.ok(error instanceof UndecodableMessage, String(error));
    }
  }
  return isWhole;
}

test("whatever is encoded is decoded to the same", () => {
  fc.assert(
    fc.property(fc.tuple(commands, answers, questions, questionAnswers), ([sent, reported, asked, decided]) => {
      assert.deepEqual(decodeCommands(encodeCommands(sent)), sent);
      assert.deepEqual(decodeAnswers(encodeAnswers(reported)), reported);
      assert.deepEqual(decodeQuestions(encodeQuestions(asked)), asked);
      assert.deepEqual(decodeQuestionAnswers(encodeQuestionAnswers(decided)), decided);
    }),
  );
});

test("M3 random bytes are undecodable and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      decodesOrRefuses(bytes);
    }),
    { numRuns: 500 },
  );
});

test("M3 a mutated message is decoded or undecodable, never another error", () => {
  let [kept, refused] = [0, 0];
  const path = fc.array(fc.nat({ max: 12 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...samples), path, fc.option(anything, { nil: undefined }), (sample, at, value) => {
      const bytes = new TextEncoder().encode(JSON.stringify(mutated(sample, at, value) ?? null));
      if (decodesOrRefuses(bytes)) kept += 1;
      else refused += 1;
    }),
    { numRuns: 2_000 },
  );
  assert.ok(kept > 20 && refused > 20, `${kept} decoded, ${refused} refused: both have to be seen`);
});

test("M3 truncated and bit-flipped messages are decoded or undecodable", () => {
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat({ max: 7 }), (sample, at, bit) => {
      const bytes = new TextEncoder().encode(JSON.stringify(sample));
      const index = at % bytes.length;
      decodesOrRefuses(bytes.subarray(0, index));
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      decodesOrRefuses(bytes);
    }),
    { numRuns: 500 },
  );
});

test("M3 no two decodable commands in a row break an invariant of the branch", () => {
  const path = fc.array(fc.nat({ max: 12 }), { minLength: 2, maxLength: 4 });
  const received = fc.tuple(fc.constantFrom(...verbs), path, fc.option(anything, { nil: undefined }));
  fc.assert(
    fc.property(received, received, (...pair) => {
      let record;
      for (const [verb, at, value] of pair) {
        const message = JSON.parse(new TextDecoder().decode(encodeCommands([command(verb)]))) as Json;
        const bytes = new TextEncoder().encode(JSON.stringify(mutated(message, [1, ...at], value) ?? null));
        for (const decoded of decodable(bytes)) {
          const { txId, branchId } = command("prepare");
          record = applyCommand(record, { ...decoded, txId, branchId }).record;
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

function decodable(bytes: Uint8Array): Command[] {
  try {
    return decodeCommands(bytes).map(decoded);
  } catch (error) {
    assert.ok(error instanceof UndecodableMessage);
    return [];
  }
}
