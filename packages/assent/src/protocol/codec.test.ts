import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Decoded,
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
import type { Json } from "./json.ts";
import { defaultLimits } from "./limits.ts";
import type { Answer, Command, Question, QuestionAnswer, TransactionOrigin } from "./messages.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const undecodable = { name: "UndecodableMessage", code: "undecodable_message" };

const base = { txId: "o:1:1", branchId: "stock/0", epoch: 7, begunAt: 1000 } as const;
const text = '"txId":"o:1:1","branchId":"stock/0"';

/** The wire format, byte for byte: it changes only together with `codecVersion`. */
const commandVectors: readonly [Command, string][] = [
  [
    { ...base, verb: "prepare", protocol: "2pc", deadlineAt: 2000, payload: { item: 7, amount: 2 }, origin: "o" },
    `{${text},"epoch":7,"begunAt":1000,"verb":"prepare","protocol":"2pc","deadlineAt":2000,` +
      `"payload":{"item":7,"amount":2},"origin":"o"}`,
  ],
  [
    { ...base, verb: "execute", protocol: "saga", payload: null },
    `{${text},"epoch":7,"begunAt":1000,"verb":"execute","protocol":"saga","payload":null}`,
  ],
  [
    { ...base, verb: "commit", protocol: "2pc", payload: ["ü€😀"] },
    `{${text},"epoch":7,"begunAt":1000,"verb":"commit","protocol":"2pc","payload":["ü€😀"]}`,
  ],
  [
    { ...base, verb: "complete", protocol: "saga", payload: 1 },
    `{${text},"epoch":7,"begunAt":1000,"verb":"complete","protocol":"saga","payload":1}`,
  ],
  [{ ...base, verb: "abort", protocol: "2pc" }, `{${text},"epoch":7,"begunAt":1000,"verb":"abort","protocol":"2pc"}`],
  [
    { ...base, verb: "compensate", protocol: "saga" },
    `{${text},"epoch":7,"begunAt":1000,"verb":"compensate","protocol":"saga"}`,
  ],
  [
    { ...base, verb: "query-or-prevent", protocol: "2pc", payload: "p", origin: "o" },
    `{${text},"epoch":7,"begunAt":1000,"verb":"query-or-prevent","protocol":"2pc","payload":"p","origin":"o"}`,
  ],
  [{ ...base, verb: "forget", protocol: "2pc" }, `{${text},"epoch":7,"begunAt":1000,"verb":"forget","protocol":"2pc"}`],
];

const answerVectors: readonly [Answer, string][] = [
  [{ kind: "done", state: "prepared" }, '{"kind":"done","state":"prepared"}'],
  [{ kind: "done", state: "aborted", refusal: "sold_out" }, '{"kind":"done","state":"aborted","refusal":"sold_out"}'],
  [{ kind: "refused", reason: "sold_out" }, '{"kind":"refused","reason":"sold_out"}'],
  [{ kind: "contended" }, '{"kind":"contended"}'],
  [{ kind: "expired" }, '{"kind":"expired"}'],
  [{ kind: "fenced", epoch: 9 }, '{"kind":"fenced","epoch":9}'],
  [{ kind: "conflict", state: "committed" }, '{"kind":"conflict","state":"committed"}'],
  [{ kind: "mismatch" }, '{"kind":"mismatch"}'],
  [{ kind: "hazard", reason: "floor" }, '{"kind":"hazard","reason":"floor"}'],
  [{ kind: "unknown", reason: "handler" }, '{"kind":"unknown","reason":"handler"}'],
  [{ kind: "forgotten" }, '{"kind":"forgotten"}'],
];

const question: Question = { ...base, protocol: "saga", origin: "o" };
const questionAnswers: readonly QuestionAnswer[] = [
  { kind: "decided", decision: "commit", epoch: 8, ended: true },
  { kind: "decided", decision: "abort", epoch: 8, ended: false },
  { kind: "wait" },
];
const origin: TransactionOrigin = {
  coordinator: "order",
  key: "order-1",
  definition: "checkout",
  definitionHash: 42,
  input: null,
  deadlineAt: 2000,
};
const originText =
  '{"coordinator":"order","key":"order-1","definition":"checkout","definitionHash":42,"input":null,' +
  '"deadlineAt":2000}';

test("golden vectors: commands", () => {
  for (const [command, item] of commandVectors) {
    const message = `{"v":1,"commands":[${item}]}`;
    assert.deepEqual(encodeCommands([command]), bytesOf(message), command.verb);
    assert.deepEqual(decodeCommands(bytesOf(message)), [command]);
  }
});

test("golden vectors: answers", () => {
  for (const [answer, item] of answerVectors) {
    const message = `{"v":1,"answers":[${item}]}`;
    assert.deepEqual(encodeAnswers([answer]), bytesOf(message), answer.kind);
    assert.deepEqual(decodeAnswers(bytesOf(message)), [answer]);
  }
});

test("golden vectors: questions and their answers", () => {
  const asked = `{"v":1,"questions":[{${text},"epoch":7,"begunAt":1000,"protocol":"saga","origin":"o"}]}`;
  assert.deepEqual(encodeQuestions([question]), bytesOf(asked));
  assert.deepEqual(decodeQuestions(bytesOf(asked)), [question]);
  const reported =
    '{"v":1,"questionAnswers":[{"kind":"decided","decision":"commit","epoch":8,"ended":true},' +
    '{"kind":"decided","decision":"abort","epoch":8,"ended":false},{"kind":"wait"}]}';
  assert.deepEqual(encodeQuestionAnswers(questionAnswers), bytesOf(reported));
  assert.deepEqual(decodeQuestionAnswers(bytesOf(reported)), questionAnswers);
});

test("golden vectors: the origin of a transaction", () => {
  assert.equal(encodeOrigin(origin), originText);
  assert.deepEqual(decodeOrigin(originText), origin);
});

test("M4 the items of a batch keep their order, and a batch may be empty", () => {
  const commands = commandVectors.map(([command]) => command);
  const answers = answerVectors.map(([answer]) => answer);
  assert.deepEqual(decodeCommands(encodeCommands(commands)), commands);
  assert.deepEqual(decodeAnswers(encodeAnswers(answers)), answers);
  assert.deepEqual(decodeCommands(bytesOf('{"v":1,"commands":[]}')), []);
  assert.deepEqual(decodeAnswers(bytesOf('{"v":1,"answers":[]}')), []);
});

const prepareFields = JSON.parse(commandVectors[0]?.[1] ?? "") as Record<string, Json>;

/** A message of one command with some of its fields replaced; `undefined` removes one. */
function commandMessage(change: Readonly<Record<string, Json | undefined>>): Uint8Array {
  return bytesOf(JSON.stringify({ v: 1, commands: [{ ...prepareFields, ...change }] }));
}

test("M3 a command without one of its parts, or with a strange one, is undecodable", () => {
  const id = "x".repeat(defaultLimits.idLengthMax);
  const changes: readonly Record<string, Json | undefined>[] = [
    ...["txId", "branchId"].flatMap((name) => [undefined, "", 7, null, `${id}x`].map((value) => ({ [name]: value }))),
    ...["epoch", "begunAt"].flatMap((name) =>
      [undefined, -1, 1.5, "7", null, 2 ** 53].map((value) => ({ [name]: value })),
    ),
    ...[undefined, "undo", "", 1, ["prepare"]].map((verb) => ({ verb })),
    ...[undefined, "3pc", null].map((protocol) => ({ protocol })),
    ...[-1, 0.5, "2000", null].map((deadlineAt) => ({ deadlineAt })),
    ...[7, null, {}].map((given) => ({ origin: given })),
    ...["prepare", "commit", "query-or-prevent"].map((verb) => ({ verb, payload: undefined })),
    ...["execute", "complete"].map((verb) => ({ verb, protocol: "saga", payload: undefined })),
  ];
  for (const change of changes) {
    assert.throws(() => decodeCommands(commandMessage(change)).map(decoded), undecodable, JSON.stringify(change));
  }
  assert.equal(decodeCommands(commandMessage({ txId: id, branchId: id })).length, 1, "the longest id is allowed");
});

test("C7 a verb that the protocol does not have is undecodable", () => {
  for (const [verb, protocol] of [
    ["execute", "2pc"],
    ["complete", "2pc"],
    ["compensate", "2pc"],
    ["prepare", "saga"],
    ["commit", "saga"],
    ["abort", "saga"],
  ] as const) {
    assert.throws(
      () => decodeCommands(commandMessage({ verb, protocol })).map(decoded),
      undecodable,
      `${verb} in ${protocol}`,
    );
  }
});

test("M3 a malformed answer is undecodable", () => {
  const items: readonly Json[] = [
    {},
    { kind: "yes" },
    { kind: "done" },
    { kind: "done", state: "paid" },
    { kind: "done", state: "aborted", refusal: 1 },
    { kind: "conflict" },
    { kind: "fenced" },
    { kind: "fenced", epoch: -1 },
    { kind: "refused" },
    { kind: "hazard", reason: null },
    { kind: "unknown", reason: 1 },
  ];
  for (const item of [...items, null, 7, "done", [], [{ kind: "expired" }]]) {
    const bytes = bytesOf(JSON.stringify({ v: 1, answers: [item] }));
    assert.throws(() => decodeAnswers(bytes).map(decoded), undecodable, JSON.stringify(item));
  }
});

test("M3 a malformed question or answer to one is undecodable", () => {
  const fields: Record<string, Json> = { ...question };
  for (const name of Object.keys(fields)) {
    for (const value of [undefined, [], true]) {
      const bytes = bytesOf(JSON.stringify({ v: 1, questions: [{ ...fields, [name]: value }] }));
      assert.throws(() => decodeQuestions(bytes).map(decoded), undecodable, `${name} = ${String(value)}`);
    }
  }
  const decided: Record<string, Json> = { kind: "decided", decision: "commit", epoch: 8, ended: true };
  for (const [name, value] of [
    ["kind", "maybe"],
    ["decision", "undo"],
    ["epoch", -1],
    ["ended", 1],
  ] as const) {
    const bytes = bytesOf(JSON.stringify({ v: 1, questionAnswers: [{ ...decided, [name]: value }] }));
    assert.throws(() => decodeQuestionAnswers(bytes).map(decoded), undecodable, name);
  }
});

test("M3 a malformed origin is undecodable", () => {
  const fields = JSON.parse(originText) as Record<string, Json>;
  for (const name of Object.keys(fields)) {
    assert.throws(() => decodeOrigin(JSON.stringify({ ...fields, [name]: undefined })), undecodable, name);
  }
  assert.throws(
    () => decodeOrigin(`{"input":${deep},${originText.slice(1)}`.replace('"input":null,', "")),
    undecodable,
  );
  for (const broken of ["", "null", "[]", "{", "7"]) assert.throws(() => decodeOrigin(broken), undecodable);
});

/** The decoded items of a message, all of which must be valid. */
const allOf = (decode: (bytes: Uint8Array) => readonly Decoded<unknown>[], bytes: Uint8Array): readonly unknown[] =>
  decode(bytes).map((item) => decoded(item));

test("M3 what is no message of this version is undecodable by every decoder", () => {
  const envelopes = ["", "{", "null", "[]", "7", "{}", '{"v":1}', '{"v":2,"commands":[],"answers":[]}', '{"v":"1"}'];
  const lists = ['{"v":1,"commands":{}}', '{"v":1,"commands":[1]}', '{"v":1,"commands":[[]]}'];
  for (const decode of [decodeCommands, decodeAnswers, decodeQuestions, decodeQuestionAnswers]) {
    for (const message of [...envelopes, ...lists])
      assert.throws(() => allOf(decode, bytesOf(message)), undecodable, message);
  }
  const bytes = bytesOf('{"v":1,"commands":[],"answers":[],"questions":[],"questionAnswers":[],"more":"?"}');
  bytes[bytes.indexOf(0x3f)] = 0xff;
  for (const decode of [decodeCommands, decodeAnswers, decodeQuestions, decodeQuestionAnswers]) {
    assert.throws(() => decode(bytes), undecodable, "not UTF-8");
  }
});

test("M3 a message is refused for its size before it is read", () => {
  const head = '{"v":1,"commands":[]}';
  const fitting = bytesOf(head + " ".repeat(defaultLimits.messageBytesMax - head.length));
  assert.deepEqual(decodeCommands(fitting), []);
  assert.throws(() => decodeCommands(bytesOf(`${textOf(fitting)} `)).map(decoded), undecodable);
});

const deep = "[".repeat(100_000) + "]".repeat(100_000);

test("M3 deep nesting where a text belongs is undecodable", () => {
  assert.throws(() => decodeCommands(bytesOf(`{"v":${deep},"commands":[]}`)).map(decoded), undecodable, "as a version");
  assert.throws(
    () => decodeAnswers(bytesOf(`{"v":1,"answers":[{"kind":${deep}}]}`)).map(decoded),
    undecodable,
    "as a kind",
  );
});

test("M3 a payload nested too deeply to be worked with is undecodable", () => {
  const nested = commandVectors[0]?.[1].replace('{"item":7,"amount":2}', deep) ?? "";
  assert.throws(() => decodeCommands(bytesOf(`{"v":1,"commands":[${nested}]}`)).map(decoded), undecodable);
});

test("M4 one bad item of a message spoils none of those it came with", () => {
  const bad: readonly Json[] = [7, null, {}, { ...prepareFields, epoch: 2 ** 53 }, { ...prepareFields, verb: "undo" }];
  for (const item of bad) {
    const message = bytesOf(JSON.stringify({ v: 1, commands: [prepareFields, item, prepareFields] }));
    const items = decodeCommands(message);
    assert.deepEqual(items.map(isDecoded), [true, false, true], JSON.stringify(item));
    assert.deepEqual(items[2], prepareFields);
    assert.ok(items[1] instanceof UndecodableMessage && items[1].code === "undecodable_message");
  }
  const answers = decodeAnswers(bytesOf('{"v":1,"answers":[{"kind":"expired"},{"kind":"yes"},{"kind":"forgotten"}]}'));
  assert.deepEqual(answers.map(isDecoded), [true, false, true]);
  const questions = decodeQuestions(
    bytesOf(JSON.stringify({ v: 1, questions: [{ ...question }, 1, { ...question }] })),
  );
  assert.deepEqual(questions.map(isDecoded), [true, false, true]);
  const reported = decodeQuestionAnswers(bytesOf('{"v":1,"questionAnswers":[{"kind":"wait"},{},{"kind":"wait"}]}'));
  assert.deepEqual(reported.map(isDecoded), [true, false, true]);
});

test("M3 a name that is not well-formed is no name in any message", () => {
  const command: Command = { ...base, verb: "abort", protocol: "2pc" };
  const question: Question = { ...base, protocol: "2pc", origin: "o" };
  const names = { coordinator: "order", key: "o", definition: "d" };
  const origin: TransactionOrigin = { ...names, definitionHash: 1, input: null, deadlineAt: 2000 };
  for (const half of ["o\ud800", "\udc00", "order-😀".slice(0, 7)]) {
    for (const field of ["txId", "branchId"] as const) {
      assert.throws(() => decodeCommands(encodeCommands([{ ...command, [field]: half }])).map(decoded), undecodable);
      assert.throws(() => decodeQuestions(encodeQuestions([{ ...question, [field]: half }])).map(decoded), undecodable);
    }
    for (const field of ["coordinator", "key", "definition"] as const) {
      assert.throws(() => decodeOrigin(encodeOrigin({ ...origin, [field]: half })), undecodable);
    }
  }
});
