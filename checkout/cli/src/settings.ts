// Settings from the environment, checked before anything is started: those of the embedded topology, and those shared
// with other topologies.
import { InvalidFault, parseFaults } from "@assent/faults";
import { z } from "zod";

export const wholeNumber = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from 0 to ${max}, in digits`)
    .transform(Number)
    .pipe(z.number().max(max, `must be a whole number from 0 to ${max}, in digits`));

export const listenSettings = {
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: wholeNumber(65_535).default(8_000),
} as const;

export const protocolSetting = { ORCHESTRATOR_PROTOCOL: z.enum(["auto", "2pc", "saga"]).default("auto") } as const;

export const faultSettings = {
  /** Fault injection over HTTP; FAULT_INJECT enables it as well. */
  ASSENT_FAULTS: z.enum(["on", "off"]).default("off"),
  FAULT_INJECT: z.string().default("").superRefine(mustBeFaults),
} as const;

const settingsSchema = z.object({
  ASSENT_DATA: z.string().min(1).default("data"),
  ...listenSettings,
  ...faultSettings,
  ...protocolSetting,
});

export type Settings = z.infer<typeof settingsSchema>;

/** Initial fault rules, or undefined if fault injection is off. */
export function faultsOf({
  ASSENT_FAULTS,
  FAULT_INJECT,
}: Pick<Settings, "ASSENT_FAULTS" | "FAULT_INJECT">): string | undefined {
  return ASSENT_FAULTS === "on" || FAULT_INJECT !== "" ? FAULT_INJECT : undefined;
}

/** An invalid setting. Nothing was started. `code` is stable. */
export class InvalidSettings extends Error {
  readonly code = "invalid_settings";

  constructor(message: string) {
    super(message);
    this.name = "InvalidSettings";
  }
}

type Texts = Readonly<Record<string, string | undefined>>;

/** Settings of the embedded topology. @throws {InvalidSettings} */
export function readSettings(environment: Texts, overrides: Texts = {}): Settings {
  return checkedSettings(settingsSchema, environment, overrides);
}

/**
 * Settings of the environment, overridden by those given. An empty variable counts as not set.
 * @throws {InvalidSettings} naming each invalid setting
 */
export function checkedSettings<Schema extends z.ZodType>(
  schema: Schema,
  environment: Texts,
  overrides: Texts,
): z.infer<Schema> {
  const given = Object.entries({ ...environment, ...withoutEmpty(overrides) });
  const result = schema.safeParse(Object.fromEntries(given.filter(([, value]) => value !== "")));
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new InvalidSettings(`Invalid settings; nothing was started.\n  ${lines.join("\n  ")}`);
}

function mustBeFaults(text: string, context: z.RefinementCtx): void {
  try {
    parseFaults(text);
  } catch (error) {
    if (!(error instanceof InvalidFault)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
}

function withoutEmpty(values: Texts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
  );
}
