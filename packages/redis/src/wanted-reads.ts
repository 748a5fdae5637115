// Executes the reads that a batch needs: all of them in one round, the records of scanned tables in a second one.
import type { ScanRange } from "assent/internal/ports";
import type { BatchReads, RangeRead } from "./batch-reads.ts";
import { absent, type KnownRecord, knownRecordOf, presentKey } from "./read-set.ts";
import type { RecordCache } from "./record-cache.ts";
import { itemsOf, type RedisCommand, RedisErrorReply, type RedisPort, type RedisReply } from "./redis-port.ts";
import type { TableLayout } from "./table-layout.ts";

interface ReadContext {
  readonly layout: TableLayout;
  readonly cache: RecordCache;
  readonly reads: BatchReads;
}

/** @throws {RepliesLost} {RedisErrorReply} nothing was changed */
export async function readWanted(port: RedisPort, context: ReadContext): Promise<void> {
  const { layout, reads } = context;
  const { records, ranges } = reads.takeWanted();
  const wanted = [...records].map(([table, keys]): [table: string, keys: string[]] => [table, [...keys]]);
  const replies = await sendAll(port, [
    ...wanted.map(([table, keys]) => [
      layout.kind(table) === "index" ? "ZMSCORE" : "HMGET",
      layout.table(table),
      ...keys,
    ]),
    ...ranges.map(({ table, range }) => rangeCommand(layout.order(table), range)),
  ]);
  wanted.forEach(([table, keys], index) => keepRecords(context, { table, keys, texts: textsOf(replies[index]) }));
  const found = ranges.map((read, index) => ({ read, keys: textsOf(replies[wanted.length + index]).map(String) }));
  await readRows(port, context, found);
}

async function readRows(
  port: RedisPort,
  { layout, reads }: ReadContext,
  found: readonly { read: RangeRead; keys: readonly string[] }[],
): Promise<void> {
  const withRecords = found.filter(({ read, keys }) => layout.kind(read.table) === "ordered" && keys.length > 0);
  const replies = await sendAll(
    port,
    withRecords.map(({ read, keys }) => ["HMGET", layout.table(read.table), ...keys]),
  );
  for (const each of found) {
    const { read, keys } = each;
    const at = withRecords.indexOf(each);
    const texts = at === -1 ? undefined : textsOf(replies[at]);
    const rows = keys.map((key, index) => ({ key, known: texts === undefined ? presentKey : knownFrom(texts[index]) }));
    reads.setRange(read, rows);
  }
}

function keepRecords(
  { layout, cache, reads }: ReadContext,
  { table, keys, texts }: { table: string; keys: readonly string[]; texts: readonly (string | null)[] },
): void {
  const isIndex = layout.kind(table) === "index";
  keys.forEach((key, index) => {
    const text = texts[index];
    if (isIndex) {
      reads.setRecord(table, key, typeof text === "string" ? presentKey : absent);
      return;
    }
    const known = knownFrom(text);
    reads.setRecord(table, key, known);
    cache.set(table, key, known);
  });
}

const knownFrom = (text: string | null | undefined): KnownRecord =>
  typeof text === "string" ? knownRecordOf(text) : absent;

function rangeCommand(key: string, { after, before, limit }: ScanRange): RedisCommand {
  const from = after === undefined ? "-" : `(${after}`;
  const to = before === undefined ? "+" : `(${before}`;
  return ["ZRANGEBYLEX", key, from, to, "LIMIT", "0", String(limit)];
}

async function sendAll(port: RedisPort, commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
  if (commands.length === 0) return [];
  const replies = await port.send(commands);
  const refusal = replies.find((reply) => reply instanceof RedisErrorReply);
  if (refusal !== undefined) throw refusal;
  return replies;
}

function textsOf(reply: RedisReply | undefined): readonly (string | null)[] {
  return itemsOf(reply).map((text) => (typeof text === "string" ? text : null));
}
