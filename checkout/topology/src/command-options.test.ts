import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amountOption,
  choiceOption,
  type CommandLine,
  countOption,
  flagOption,
  readOptions,
  textOption,
} from "./command-options.ts";

const line = {
  command: "npm run thing",
  about: "does it",
  options: {
    rounds: countOption(10, "how often"),
    lag: countOption(0, "how late", 0),
    minutes: amountOption("how long"),
    protocol: choiceOption(["2pc", "saga"], "2pc", "which"),
    report: textOption("file", "where to"),
    json: flagOption("as JSON"),
  },
} as const;

function refused(...args: readonly string[]): string {
  const read = readOptions(line as CommandLine<typeof line.options>, args);
  assert.equal(read.kind, "refused", args.join(" "));
  return read.kind === "refused" ? read.text : "";
}

test("omitted options have their defaults, and given options are parsed", () => {
  const usual = { rounds: 10, lag: 0, minutes: undefined, protocol: "2pc", report: undefined, json: false };
  assert.deepEqual(readOptions(line, []), { kind: "values", values: usual });
  const args = ["--rounds", "3", "--lag=0", "--minutes", "0.5", "--protocol", "saga", "--report", "r", "--json"];
  const values = { rounds: 3, lag: 0, minutes: 0.5, protocol: "saga", report: "r", json: true };
  assert.deepEqual(readOptions(line, args), { kind: "values", values });
});

test("an invalid option is refused by name, with its valid values", () => {
  for (const given of ["0", "-1", "1.5", "abc", "", "1e3", "10000000000"]) {
    assert.match(refused(`--rounds=${given}`), /--rounds is ".*"; it must be a whole number from 1\. Nothing was/);
  }
  for (const given of ["0", "abc", "", "1.", "-2"]) assert.match(refused(`--minutes=${given}`), /a number above 0/);
  assert.match(refused("--protocol", "3pc"), /--protocol is "3pc"; it must be one of 2pc, saga\./);
  assert.match(refused("--rounds"), /'--rounds <value>' argument missing\. Nothing was started/);
  assert.match(
    refused("--round", "3"),
    /^npm run thing: Unknown option '--round'\. Nothing was started.*thing --help\n$/,
  );
  assert.match(refused("3"), /Unexpected argument '3'\. With npm, options come after two dashes\./);
});

test("help lists every option with its value and its default", () => {
  const read = readOptions(line, ["--help", "--rounds", "3"]);
  assert.equal(read.kind, "help");
  assert.equal(
    read.kind === "help" && read.text,
    [
      "Usage: npm run thing [options]",
      "",
      "does it",
      "",
      "Options:",
      "  --rounds <number>   how often (default: 10)",
      "  --lag <number>      how late (default: 0)",
      "  --minutes <number>  how long",
      "  --protocol <name>   2pc or saga: which (default: 2pc)",
      "  --report <file>     where to",
      "  --json              as JSON",
      "",
    ].join("\n"),
  );
});
