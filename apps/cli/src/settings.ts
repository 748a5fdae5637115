// Settings from the environment, checked before anything is started.
import { InvalidFault, parseFaults } from "@assent/fault-injection";
import { z } from "zod";

function canBeParsed(text: string): boolean {
  try {
    parseFaults(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidFault) return false;
    throw error;
  }
}

export const settingsSchema = z.object({
  ASSENT_DATA: z.string().min(1).default("data"),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, "must be a whole number from 0 to 65535, in digits")
    .transform(Number)
    .pipe(z.number().max(65_535))
    .default(8_000),
  /** Fault injection over HTTP; FAULT_INJECT turns it on, too. */
  ASSENT_FAULTS: z.enum(["on", "off"]).default("off"),
  FAULT_INJECT: z.string().default("").refine(canBeParsed, "must be point:action[:value], several with commas"),
  ORCHESTRATOR_PROTOCOL: z.enum(["auto", "2pc", "saga"]).default("auto"),
});

export type Settings = z.infer<typeof settingsSchema>;

/** Fault rules to start with, or undefined where fault injection is off. */
export function faultsOf({ ASSENT_FAULTS, FAULT_INJECT }: Settings): string | undefined {
  return ASSENT_FAULTS === "on" || FAULT_INJECT !== "" ? FAULT_INJECT : undefined;
}

/** A setting that cannot be meant. Nothing was started. `code` is stable. */
export class InvalidSettings extends Error {
  readonly code = "invalid_settings";

  constructor(message: string) {
    super(message);
    this.name = "InvalidSettings";
  }
}

/** Settings of the environment, overridden by those given. An empty variable counts as not set. */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Settings {
  const given = Object.entries({ ...environment, ...withoutEmpty(overrides) });
  const result = settingsSchema.safeParse(Object.fromEntries(given.filter(([, value]) => value !== "")));
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new InvalidSettings(`These settings cannot be used; nothing was started.\n  ${lines.join("\n  ")}`);
}

function withoutEmpty(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
  );
}
