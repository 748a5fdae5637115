// The one script of this store, and the call that it takes. It knows no rule of any operation: it compares and writes.
import { createHash } from "node:crypto";
import { itemsOf, type RedisCommand, RedisErrorReply, type RedisPort, type RedisReply } from "./redis-port.ts";

export const verifyAndApplyScript = `
-- Applies the writes of each conflict group whose expectations all hold; leaves the others alone and returns what is
-- there instead.
-- Conflict groups share no record, so each is a transaction of its own.
--
-- KEYS  1      written when nothing else is and ARGV 3 asks for it
--       2..n   hashes and sorted sets, each described by a group
-- ARGV  1      store time that the conflict groups were made with, epoch milliseconds; empty: not checked
--       2      how far it may be off, milliseconds
--       3      "touch" or empty
--       4..    a group for each of KEYS 2..n:
--                "records" (a hash) or "keys" (a sorted set); how many are E expected, P put, D deleted
--                E fields, E versions (empty: absent), E conflict groups
--                P pairs: field and "VERSION JSON", or score and member; P conflict groups
--                D fields, D conflict groups
-- Returns      seconds and microseconds of the server's time, and
--                "late": the time was off by more than ARGV 2, nothing was done; or
--                "done" and a list of the number of each expectation that does not hold (over all groups, from 1),
--                followed by what is there
-- A record's text begins with its version, and a version is never written with another text: comparing it is enough.
-- Numbers that are stored pass through here as text.
local unpack = unpack or table.unpack
local time = redis.call('TIME')
if ARGV[1] ~= '' then
  local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
  if math.abs(now - tonumber(ARGV[1])) > tonumber(ARGV[2]) then return { time[1], time[2], 'late' } end
end

local argumentsMax = 2000
local differing, refused, refusedAny, written = {}, {}, false, false

local function holds(kind, expected, actual)
  if expected == '' or not actual then return expected == '' and not actual end
  return kind == 'keys' or string.sub(actual, 1, #expected) == expected
end

local groups, at, number = {}, 4, 0
for index = 2, #KEYS do
  local kind, key = ARGV[at], KEYS[index]
  local expected, puts, deletes = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local fields = at + 4
  local versions, conflictGroups = fields + expected, fields + 2 * expected
  at = fields + 3 * expected
  for first = 0, expected - 1, argumentsMax do
    local last = math.min(first + argumentsMax, expected) - 1
    local found = redis.call(kind == 'keys' and 'ZMSCORE' or 'HMGET', key, unpack(ARGV, fields + first, fields + last))
    for each = first, last do
      local actual = found[each - first + 1]
      number = number + 1
      if not holds(kind, ARGV[versions + each], actual) then
        refused[ARGV[conflictGroups + each]], refusedAny = true, true
        differing[#differing + 1] = number
        differing[#differing + 1] = actual
      end
    end
  end
  local put, delete = kind == 'keys' and 'ZADD' or 'HSET', kind == 'keys' and 'ZREM' or 'HDEL'
  groups[#groups + 1] = { key = key, command = put, width = 2, count = puts, from = at }
  at = at + 3 * puts
  groups[#groups + 1] = { key = key, command = delete, width = 1, count = deletes, from = at }
  at = at + 2 * deletes
end

for _, group in ipairs(groups) do
  local key, command, width, count, from = group.key, group.command, group.width, group.count, group.from
  local conflictGroups, taken = from + width * count, nil
  if refusedAny then
    taken = {}
    for each = 0, count - 1 do
      if not refused[ARGV[conflictGroups + each]] then
        for part = 0, width - 1 do taken[#taken + 1] = ARGV[from + width * each + part] end
      end
    end
  end
  local list, start = taken or ARGV, taken and 1 or from
  local length = taken and #taken or width * count
  for first = 0, length - 1, argumentsMax do
    local last = math.min(first + argumentsMax, length) - 1
    redis.call(command, key, unpack(list, start + first, start + last))
    written = true
  end
end

if ARGV[3] == 'touch' and not written then redis.call('SET', KEYS[1], time[1]) end
return { time[1], time[2], 'done', differing }
`;

const verifyAndApplyHash = createHash("sha1").update(verifyAndApplyScript).digest("hex");

/** The expected and the new text of a record for a conflict group, under one of the server's keys. */
export interface Group {
  readonly kind: "records" | "keys";
  readonly key: string;
  readonly expected: { readonly fields: string[]; readonly versions: string[]; readonly conflictGroups: string[] };
  /** Pairs as arguments of the server's command. */
  readonly puts: { readonly pairs: string[]; readonly conflictGroups: string[] };
  readonly deletes: { readonly fields: string[]; readonly conflictGroups: string[] };
}

export interface Call {
  /** Empty if the time is not checked. */
  readonly assumed: string;
  readonly errorMaxMs: number;
  readonly touch: boolean;
  readonly touched: string;
  readonly groups: readonly Group[];
}

export type Verdict =
  | { readonly kind: "late"; readonly serverMs: number }
  | {
      readonly kind: "done";
      readonly serverMs: number;
      /** By number of the expectation, over all groups, from 0: the current text. */
      readonly differing: ReadonlyMap<number, string | undefined>;
    };

export function newGroup(kind: Group["kind"], key: string): Group {
  const conflictGroups = (): { conflictGroups: string[] } => ({ conflictGroups: [] });
  return {
    kind,
    key,
    expected: { fields: [], versions: [], ...conflictGroups() },
    puts: { pairs: [], ...conflictGroups() },
    deletes: { fields: [], ...conflictGroups() },
  };
}

/** The arguments of EVALSHA and EVAL after the script. */
export function encodeCall({ assumed, errorMaxMs, touch, touched, groups }: Call): RedisCommand {
  const head = [String(groups.length + 1), touched, ...groups.map(({ key }) => key)];
  const parts = groups.map(({ kind, expected, puts, deletes }) =>
    [
      [
        kind,
        String(expected.conflictGroups.length),
        String(puts.conflictGroups.length),
        String(deletes.conflictGroups.length),
      ],
      [
        expected.fields,
        expected.versions,
        expected.conflictGroups,
        puts.pairs,
        puts.conflictGroups,
        deletes.fields,
        deletes.conflictGroups,
      ],
    ].flat(2),
  );
  return [head, [assumed, String(errorMaxMs), touch ? "touch" : ""], ...parts].flat();
}

/**
 * Calls the script, by its text if the server does not know its hash, and right after it one WAIT for the round, if
 * requested: the number of replicas that have acknowledged the writes of this connection.
 * @throws {RepliesLost}
 */
export async function callScript(
  port: RedisPort,
  command: RedisCommand,
  waitCommand: RedisCommand | undefined,
): Promise<[reply: RedisReply, acknowledged: RedisReply]> {
  const wait = waitCommand === undefined ? [] : [waitCommand];
  let replies = await port.send([["EVALSHA", verifyAndApplyHash, ...command], ...wait]);
  if (replies[0] instanceof RedisErrorReply && replies[0].code === "NOSCRIPT") {
    replies = await port.send([["EVAL", verifyAndApplyScript, ...command], ...wait]);
  }
  return [replies[0] ?? null, replies[1] ?? null];
}

/** Reads a reply of the script. @throws {TypeError} for anything else */
export function readVerdict(reply: RedisReply): Verdict {
  if (!Array.isArray(reply)) throw new TypeError(`the script answered ${JSON.stringify(reply)}`);
  const [seconds, microseconds, kind, differing] = itemsOf(reply);
  const serverMs = serverTime([seconds ?? null, microseconds ?? null]);
  if (kind === "late") return { kind, serverMs };
  if (kind !== "done" || !Array.isArray(differing)) throw new TypeError(`the script answered ${JSON.stringify(reply)}`);
  const found = new Map<number, string | undefined>();
  for (let index = 0; index < differing.length; index += 2) {
    const text: unknown = differing[index + 1];
    found.set(Number(differing[index]) - 1, typeof text === "string" ? text : undefined);
  }
  return { kind, serverMs, differing: found };
}

/** A reply of TIME as epoch milliseconds. @throws {TypeError} for anything else */
export function serverTime(reply: RedisReply): number {
  const [seconds, microseconds] = itemsOf(reply);
  const time = Number(seconds ?? NaN) * 1_000 + Number(microseconds ?? NaN) / 1_000;
  if (!Number.isFinite(time)) throw new TypeError(`the server returned its time as ${JSON.stringify(reply)}`);
  return time;
}
