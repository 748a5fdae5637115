// Where a service's database is, and the durability required of it: one server, or the master named by the sentinels.
import { z } from "zod";
import { withoutSecrets } from "../redaction.ts";
import { checkedSettings, wholeNumber } from "../settings.ts";

const addressPattern = /^[^\s,>@/]+:\d{1,5}$/;

const addressList = z
  .string()
  .refine((text) => listOf(text).every(isAddress), "must be host:port, separated by commas");

const translations = z
  .string()
  .refine(
    (text) => listOf(text).every((each) => each.split(">").length === 2 && each.split(">").every(isAddress)),
    "must be host:port>host:port, separated by commas",
  );

export const databaseSettings = {
  /** Separates systems that share servers: prefix of every key and subject. */
  ASSENT_NAMESPACE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, "must be 1 to 32 letters, digits, - or _")
    .default("assent"),
  /** Instead of the REDIS_ variables below: redis[s]://[[user][:password]@]host[:port][/database] */
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, "must begin with redis:// or rediss://")
    .refine((text) => URL.canParse(text), "must be redis[s]://[[user][:password]@]host[:port][/database]")
    .optional(),
  REDIS_HOST: z.string().min(1).default("127.0.0.1"),
  REDIS_PORT: wholeNumber(65_535).default(6_379),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_DB: wholeNumber(1_000).default(0),
  /** All sentinels, host:port each. With them REDIS_URL, REDIS_HOST and REDIS_PORT are not used. */
  SENTINEL_HOSTS: addressList.optional(),
  /** The sentinels' name for the service's master. */
  REDIS_SENTINEL_SERVICE: z.string().min(1).optional(),
  SENTINEL_PASSWORD: z.string().optional(),
  /** Address translation for servers that sentinels announce under other addresses: "10.0.0.7:6379>127.0.0.1:7001,…" */
  ASSENT_REDIS_NAT: translations.optional(),
  /** The required durability of the database; default: no requirement. */
  ASSENT_DURABILITY: z.enum(["D0", "D1", "D2"]).optional(),
  /** In D2, the number of replicas that may be promoted: all must have a write before it is acknowledged. */
  ASSENT_REPLICAS: wholeNumber(8).pipe(z.number().min(1)).default(2),
  /** This many are enough while all sentinels report that no promotion is in progress. */
  ASSENT_REPLICAS_LEAST: wholeNumber(8).pipe(z.number().min(1)).default(1),
} as const;

const databaseSchema = z.object(databaseSettings);

export type DatabaseSettings = z.infer<typeof databaseSchema>;

/** Only the settings that locate a database. @throws {InvalidSettings} */
export function readDatabaseSettings(environment: Readonly<Record<string, string | undefined>>): DatabaseSettings {
  return checkedSettings(databaseSchema.superRefine(checkDatabaseSettings), environment, {});
}

/** Checks settings that depend on each other. */
export function checkDatabaseSettings(settings: DatabaseSettings, context: z.RefinementCtx): void {
  const { SENTINEL_HOSTS, REDIS_SENTINEL_SERVICE, REDIS_URL } = settings;
  const refuse = (name: keyof DatabaseSettings, message: string): void =>
    context.addIssue({ code: "custom", path: [name], message });
  if (SENTINEL_HOSTS === undefined) return;
  if (REDIS_SENTINEL_SERVICE === undefined) {
    refuse("REDIS_SENTINEL_SERVICE", "is missing: set the name of the master at the sentinels of SENTINEL_HOSTS");
  }
  if (REDIS_URL !== undefined)
    refuse("REDIS_URL", "cannot be set together with SENTINEL_HOSTS, which finds the server");
}

/** Address of the service's database without sentinels. */
export function redisUrl(settings: DatabaseSettings): string {
  const { REDIS_URL, REDIS_HOST, REDIS_PORT } = settings;
  return REDIS_URL ?? serverUrl(settings, { host: REDIS_HOST, port: REDIS_PORT });
}

/** Address of a server named by the sentinels. */
export function serverUrl(
  { REDIS_PASSWORD, REDIS_DB, ASSENT_REDIS_NAT }: DatabaseSettings,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const named = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const reached = new Map(listOf(ASSENT_REDIS_NAT).map((each) => pairOf(each)));
  return `redis://${credentials(REDIS_PASSWORD)}${reached.get(named) ?? named}/${REDIS_DB}`;
}

/** `A>B`, as the schema of the settings requires. */
function pairOf(text: string): [from: string, to: string] {
  const [from = "", to = ""] = text.split(">");
  return [from, to];
}

/** Prefix of every key of a service. */
export function keyPrefix({ ASSENT_NAMESPACE }: DatabaseSettings, path: "orders" | "stock" | "payment"): string {
  return `${ASSENT_NAMESPACE}-${path}`;
}

/** A description of the database's location, without secrets. */
export function placeOf(settings: DatabaseSettings): string {
  const { SENTINEL_HOSTS, REDIS_SENTINEL_SERVICE } = settings;
  if (SENTINEL_HOSTS === undefined) return withoutSecrets(redisUrl(settings));
  return `the master of ${REDIS_SENTINEL_SERVICE} at the sentinels ${SENTINEL_HOSTS}`;
}

export function sentinelUrls({ SENTINEL_HOSTS, SENTINEL_PASSWORD }: DatabaseSettings): readonly string[] {
  return listOf(SENTINEL_HOSTS).map((address) => `redis://${credentials(SENTINEL_PASSWORD)}${address}`);
}

function credentials(password: string | undefined): string {
  return password === undefined ? "" : `:${encodeURIComponent(password)}@`;
}

function isAddress(text: string): boolean {
  return addressPattern.test(text);
}

function listOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(",").map((each) => each.trim());
}
