// Settings of a process that runs one service, checked before anything is started, and printed without secrets.
import { checkLimits, defaultLimits, InvariantViolation, type Limits } from "assent/internal/protocol";
import { checkNatsLimits, defaultNatsLimits } from "@assent/nats";
import { z } from "zod";
import { withoutSecrets } from "../redaction.ts";
import { checkDatabaseSettings, databaseSettings } from "./database-settings.ts";
import { checkedSettings, faultSettings, listenSettings, protocolSetting, wholeNumber } from "../settings.ts";

/** Shorter than the reply wait, so that a held message is not sent again. */
const companyWaitMaxMs = 1_500;

const processSchema = z
  .object({
    ...listenSettings,
    ...faultSettings,
    ...protocolSetting,
    /** Name of this process in logs and on servers. */
    INSTANCE_ID: z.string().min(1).max(64).optional(),
    /** The system that this process belongs to. Requests that name another system or instance are refused. */
    ASSENT_SYSTEM: z
      .string()
      .regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores")
      .optional(),
    /** Separate several with commas. */
    NATS_URL: z
      .string()
      .transform((text) => text.split(",").map(withScheme).join(","))
      .refine((text) => text.split(",").every(isBroker), "must be nats://host:port, separated by commas")
      .default("nats://127.0.0.1:4222"),
    ASSENT_DELIVERY: z.enum(["jetstream", "core"]).default("jetstream"),
    /** Storage of the stream of the service's commands. */
    ASSENT_STREAM_STORAGE: z.enum(["memory", "file"]).default("memory"),
    /** Number of brokers of a cluster that keep it; 3 survive the loss of one. */
    ASSENT_STREAM_COPIES: wholeNumber(5).pipe(z.number().min(1)).default(1),
    ...databaseSettings,
    /** P7, the same in all processes of a system: branch records are kept for 2 × this time, outcomes for 4 ×. */
    ASSENT_MAX_AGE_MS: wholeNumber(999_999_999).default(defaultLimits.maxAgeMs),
    /** How long background work may wait to share a message or a database round trip with other work. */
    ASSENT_COMPANY_WAIT_MS: wholeNumber(companyWaitMaxMs).pipe(z.number().min(1)).default(100),
    /** How long a stopping process reports unhealthy before it stops accepting requests. */
    ASSENT_DRAIN_MS: wholeNumber(60_000).default(0),
  })
  .superRefine(checkDatabaseSettings)
  .superRefine(mustHold);

export type ProcessSettings = z.infer<typeof processSchema>;

/** The limits of a process, with the configured lifetimes. @throws {InvariantViolation} naming a violated relation */
export function limitsOf({ ASSENT_MAX_AGE_MS: maxAgeMs }: Pick<ProcessSettings, "ASSENT_MAX_AGE_MS">): Limits {
  const limits = checkLimits({ ...defaultLimits, maxAgeMs });
  checkNatsLimits(defaultNatsLimits, limits);
  return limits;
}

function mustHold(settings: { readonly ASSENT_MAX_AGE_MS: number }, context: z.RefinementCtx): void {
  try {
    limitsOf(settings);
  } catch (error) {
    if (!(error instanceof InvariantViolation)) throw error;
    context.addIssue({ code: "custom", path: ["ASSENT_MAX_AGE_MS"], message: `is too short: ${error.message}` });
  }
}

/** @throws {InvalidSettings} */
export function readProcessSettings(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): ProcessSettings {
  return checkedSettings(processSchema, environment, overrides);
}

/** One line for each effective setting. */
export function settingLines(settings: ProcessSettings): readonly string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${shown(name, String(value))}`);
}

function withScheme(text: string): string {
  const address = text.trim();
  return address.includes("://") ? address : `nats://${address}`;
}

function isBroker(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && url.hostname !== "";
}

function shown(name: string, value: string): string {
  if (/PASSWORD|SECRET|TOKEN/.test(name)) return "(hidden)";
  return withoutSecrets(value);
}
