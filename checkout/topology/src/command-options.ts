// Options of the commands that prove and measure: listed by --help, and checked before anything is started.
import { parseArgs } from "node:util";

export interface CommandOption<T> {
  readonly says: string;
  /** The value of an omitted option. */
  readonly usual: T;
  /** Name of its value in --help; a flag has none. */
  readonly valueName: string | undefined;
  /** Undefined if the text is invalid. */
  readonly read: (text: string) => T | undefined;
  /** Description of valid values. */
  readonly mustBe: string;
}

type CommandOptions = Readonly<Record<string, CommandOption<unknown>>>;
export type OptionValues<O extends CommandOptions> = {
  readonly [Name in keyof O]: O[Name] extends CommandOption<infer T> ? T : never;
};

export interface CommandLine<O extends CommandOptions> {
  /** As typed, such as "npm run proof -- bench". */
  readonly command: string;
  readonly about: string;
  readonly options: O;
}

export const flagOption = (says: string): CommandOption<boolean> => ({
  says,
  usual: false,
  valueName: undefined,
  read: () => true,
  mustBe: "",
});

export const textOption = (valueName: string, says: string): CommandOption<string | undefined> => ({
  says,
  usual: undefined,
  valueName,
  read: (given) => (given === "" ? undefined : given),
  mustBe: "something",
});

/** A whole number. */
export const countOption = (usual: number, says: string, least = 1): CommandOption<number> => ({
  says,
  usual,
  valueName: "number",
  read: (given) => (/^\d{1,9}$/.test(given) && Number(given) >= least ? Number(given) : undefined),
  mustBe: `a whole number from ${least}`,
});

/** A whole number without a default. */
export const optionalCount = (says: string): CommandOption<number | undefined> => ({
  ...countOption(0, says, 0),
  usual: undefined,
});

/** A number above 0, with decimals if needed, without a default. */
export const amountOption = (says: string): CommandOption<number | undefined> => ({
  says,
  usual: undefined,
  valueName: "number",
  read: (given) => (/^\d{1,9}(\.\d+)?$/.test(given) && Number(given) > 0 ? Number(given) : undefined),
  mustBe: "a number above 0",
});

export const choiceOption = <const Name extends string>(
  names: readonly Name[],
  usual: NoInfer<Name>,
  says: string,
): CommandOption<Name> => ({
  says: `${names.slice(0, -1).join(", ")} or ${names.at(-1)}${says === "" ? "" : `: ${says}`}`,
  usual,
  valueName: "name",
  read: (given) => names.find((name) => name === given),
  mustBe: `one of ${names.join(", ")}`,
});

/** One of some names, without a default. */
export const optionalChoice = <const Name extends string>(
  names: readonly Name[],
  says: string,
): CommandOption<Name | undefined> => ({
  says: `${names.join(" or ")}: ${says}`,
  usual: undefined,
  valueName: "name",
  read: (given) => names.find((name) => name === given),
  mustBe: `one of ${names.join(", ")}`,
});

export const protocolOption = choiceOption(["auto", "2pc", "saga"], "auto", "");
export const deliveryOption = choiceOption(["jetstream", "core"], "jetstream", "transport of commands");

/** The parsed options of this process. Ends it, having done nothing, for --help and for invalid options. */
export function commandOptions<O extends CommandOptions>(line: CommandLine<O>): OptionValues<O> {
  const read = readOptions(line, process.argv.slice(2));
  if (read.kind === "values") return read.values;
  if (read.kind === "help") process.stdout.write(read.text);
  else process.stderr.write(read.text);
  process.exit(read.kind === "help" ? 0 : 1);
}

export type ReadOptions<O extends CommandOptions> =
  | { readonly kind: "values"; readonly values: OptionValues<O> }
  | { readonly kind: "help" | "refused"; readonly text: string };

export function readOptions<O extends CommandOptions>(line: CommandLine<O>, args: readonly string[]): ReadOptions<O> {
  const { command, options } = line;
  const refuse = (why: string): ReadOptions<O> => ({
    kind: "refused",
    text: `${command}: ${why} Nothing was started. The options: ${command} --help\n`,
  });
  const kinds = Object.entries(options).map(([name, { valueName }]) => [
    name,
    { type: valueName === undefined ? "boolean" : "string" } as const,
  ]);
  let given: Readonly<Record<string, string | boolean | undefined>>;
  try {
    const known = { ...Object.fromEntries(kinds), help: { type: "boolean", short: "h" } } as const;
    given = parseArgs({ args: [...args], options: known }).values as typeof given;
  } catch (error) {
    return refuse(refusalOf(error));
  }
  if (given["help"] === true) return { kind: "help", text: helpOf(line) };
  const values: Record<string, unknown> = {};
  for (const [name, { usual, read, mustBe }] of Object.entries(options)) {
    const value = given[name];
    values[name] = value === undefined ? usual : read(String(value));
    if (value !== undefined && values[name] === undefined) {
      return refuse(`--${name} is ${JSON.stringify(value)}; it must be ${mustBe}.`);
    }
  }
  return { kind: "values", values: values as OptionValues<O> };
}

/** @throws every error that is not about the arguments */
function refusalOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!(error instanceof Error) || !code.startsWith("ERR_PARSE_ARGS")) throw error;
  const said = /^.*?(?=\. |$)/.exec(error.message)?.[0];
  // npm takes options for itself unless they come after two dashes, and passes on their values.
  const isLeft = code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL";
  return `${said}.${isLeft ? " With npm, options come after two dashes." : ""}`;
}

function helpOf<O extends CommandOptions>({ command, about, options }: CommandLine<O>): string {
  const rows = Object.entries(options).map(([name, { valueName, says, usual }]) => {
    const isShown = valueName !== undefined && usual !== undefined;
    return [
      `--${name}${valueName === undefined ? "" : ` <${valueName}>`}`,
      `${says}${isShown ? ` (default: ${JSON.stringify(usual).replaceAll('"', "")})` : ""}`,
    ] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `Usage: ${command} [options]\n\n${about}\n\nOptions:\n${lines.join("\n")}\n`;
}
