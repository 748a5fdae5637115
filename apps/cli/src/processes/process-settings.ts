// Settings of a process that runs one service, checked before anything is started, and shown without secrets.
import { z } from "zod";
import { checkedSettings, faultSettings, listenSettings, protocolSetting, wholeNumber } from "../settings.ts";

const processSchema = z.object({
  ...listenSettings,
  ...faultSettings,
  ...protocolSetting,
  /** Keeps systems apart that share servers: begins every key and subject. */
  ASSENT_NAMESPACE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, "must be 1 to 32 letters, digits, - or _")
    .default("assent"),
  /** How this process calls itself in logs and to servers. */
  INSTANCE_ID: z.string().min(1).max(64).optional(),
  /** Several are separated by commas. */
  NATS_URL: z.string().min(1).default("nats://127.0.0.1:4222"),
  ASSENT_DELIVERY: z.enum(["jetstream", "core"]).default("jetstream"),
  /** Instead of the REDIS_ variables below: redis[s]://[[user][:password]@]host[:port][/database] */
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, "must begin with redis:// or rediss://")
    .optional(),
  REDIS_HOST: z.string().min(1).default("127.0.0.1"),
  REDIS_PORT: wholeNumber(65_535).default(6_379),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_DB: wholeNumber(1_000).default(0),
  SENTINEL_HOSTS: z
    .string()
    .optional()
    .refine((hosts) => hosts === undefined, "is not understood yet: there is no failover in this topology"),
  /** How long a process that was told to stop says so to health checks before it takes no more requests. */
  ASSENT_DRAIN_MS: wholeNumber(60_000).default(0),
});

export type ProcessSettings = z.infer<typeof processSchema>;

/** @throws {InvalidSettings} */
export function readProcessSettings(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string | undefined>> = {},
): ProcessSettings {
  return checkedSettings(processSchema, environment, overrides);
}

/** Where the service's database is. */
export function redisUrl(settings: ProcessSettings): string {
  const { REDIS_URL, REDIS_HOST, REDIS_PORT, REDIS_PASSWORD, REDIS_DB } = settings;
  if (REDIS_URL !== undefined) return REDIS_URL;
  const password = REDIS_PASSWORD === undefined ? "" : `:${encodeURIComponent(REDIS_PASSWORD)}@`;
  return `redis://${password}${REDIS_HOST}:${REDIS_PORT}/${REDIS_DB}`;
}

/** One line for each setting in force. */
export function settingLines(settings: ProcessSettings): readonly string[] {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${shown(name, String(value))}`);
}

function shown(name: string, value: string): string {
  if (/PASSWORD|SECRET|TOKEN/.test(name)) return "(hidden)";
  return value.replaceAll(/\/\/[^/@]*@/g, "//(hidden)@");
}
