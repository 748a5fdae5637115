// Settings of a process that runs one service, checked before anything is started, and shown without secrets.
import { z } from "zod";
import { checkDatabaseSettings, databaseSettings, withoutSecrets } from "./database-settings.ts";
import { checkedSettings, faultSettings, listenSettings, protocolSetting, wholeNumber } from "../settings.ts";

const processSchema = z
  .object({
    ...listenSettings,
    ...faultSettings,
    ...protocolSetting,
    /** How this process calls itself in logs and to servers. */
    INSTANCE_ID: z.string().min(1).max(64).optional(),
    /** Several are separated by commas. */
    NATS_URL: z
      .string()
      .refine((text) => text.split(",").every(isBroker), "must be nats://host:port, separated by commas")
      .default("nats://127.0.0.1:4222"),
    ASSENT_DELIVERY: z.enum(["jetstream", "core"]).default("jetstream"),
    /** Of the stream of the service's commands. */
    ASSENT_STREAM_STORAGE: z.enum(["memory", "file"]).default("memory"),
    /** Brokers of a cluster that keep it; 3 survive the loss of one. */
    ASSENT_STREAM_COPIES: wholeNumber(5).pipe(z.number().min(1)).default(1),
    ...databaseSettings,
    /** How long a process that was told to stop says so to health checks before it takes no more requests. */
    ASSENT_DRAIN_MS: wholeNumber(60_000).default(0),
  })
  .superRefine(checkDatabaseSettings);

export type ProcessSettings = z.infer<typeof processSchema>;

/** @throws {InvalidSettings} */
export function readProcessSettings(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): ProcessSettings {
  return checkedSettings(processSchema, environment, overrides);
}

/** One line for each setting in force. */
export function settingLines(settings: ProcessSettings): readonly string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${shown(name, String(value))}`);
}

function isBroker(text: string): boolean {
  const address = text.trim();
  const url = URL.parse(address.includes("://") ? address : `nats://${address}`);
  return url !== null && url.hostname !== "";
}

function shown(name: string, value: string): string {
  if (/PASSWORD|SECRET|TOKEN/.test(name)) return "(hidden)";
  return withoutSecrets(value);
}
