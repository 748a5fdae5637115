// Settings from the environment, checked before anything is started.
import { z } from "zod";

export const settingsSchema = z.object({
  ASSENT_DATA: z.string().min(1).default("data"),
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, "must be a whole number from 0 to 65535, in digits")
    .transform(Number)
    .pipe(z.number().max(65_535))
    .default(8_000),
  ORCHESTRATOR_PROTOCOL: z.enum(["auto", "2pc", "saga"]).default("auto"),
});

export type Settings = z.infer<typeof settingsSchema>;

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
