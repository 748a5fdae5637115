// The append-only files of a server on this machine at a time without writes. The server only appends to a file or
// abandons it, so only the file's length at that time is needed: its bytes up to that length can be copied later. An
// open file stays readable until it is closed, even if the server removes it.
import { itemsOf, RedisErrorReply, type RedisPort, type RedisReply } from "@assent/redis";
import { mkdirSync, writeFileSync } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";

interface TakenFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly bytes: number;
}

export interface AppendOnlyFiles {
  /** The name of its folder within the server's folder. */
  readonly folderName: string;
  readonly manifest: { readonly name: string; readonly text: string };
  readonly files: readonly TakenFile[];
}

const copiedAtOnceBytes = 1_048_576;
/** A line of a manifest; https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/ */
const manifestLine = /^file (\S+) seq \d+ type ([a-z])$/;

/**
 * Undefined while the server rewrites these files.
 * @param opened receives each file that is opened here, for the caller to close
 * @throws {RedisErrorReply} {RepliesLost}; Error if the files are not those of a server on this machine
 */
export async function takeAppendOnlyFiles(port: RedisPort, opened: FileHandle[]): Promise<AppendOnlyFiles | undefined> {
  const names = ["dir", "appenddirname", "appendfilename"];
  const [info, ...replies] = await port.send([
    ["INFO", "persistence"],
    ...names.map((each) => ["CONFIG", "GET", each]),
  ]);
  if (isBusy(textOf(info))) return undefined;
  const [serverFolder = "", folderName = "", fileName = ""] = replies.map(settingOf);
  const folder = join(serverFolder, folderName);
  const name = `${fileName}.manifest`;
  // Replaced and removed files stay in it for a moment.
  const lines = (await readFile(join(folder, name), "utf8")).split("\n").filter((line) => line !== "");
  const kept = lines.flatMap((line) => {
    const [, file, type] = manifestLine.exec(line) ?? [];
    if (file === undefined) throw new Error(`${join(folder, name)} has an unknown line: ${line}`);
    return type === "h" ? [] : [{ line, file }];
  });
  const files: TakenFile[] = [];
  for (const { file } of kept) {
    const handle = await openIfThere(join(folder, file));
    // The server has replaced it since it wrote the manifest.
    if (handle === undefined) return undefined;
    opened.push(handle);
    files.push({ name: file, handle, bytes: (await handle.stat()).size });
  }
  return { folderName, manifest: { name, text: kept.map(({ line }) => `${line}\n`).join("") }, files };
}

/** Copies them into a server's folder, which is created. */
export async function copyAppendOnlyFiles(taken: AppendOnlyFiles, serverFolder: string): Promise<void> {
  const folder = join(serverFolder, taken.folderName);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const file of taken.files) await copyFile(file, join(folder, file.name));
  writeFileSync(join(folder, taken.manifest.name), taken.manifest.text, { mode: 0o600 });
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return open(path, "r").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}

async function copyFile({ handle, bytes, name }: TakenFile, path: string): Promise<void> {
  const copy = await open(path, "wx", 0o600);
  try {
    const buffer = Buffer.alloc(copiedAtOnceBytes);
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
      if (bytesRead === 0) throw new Error(`${name} has been truncated`);
      await copy.writeFile(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await copy.close();
  }
}

/** Whether its files are being replaced, or lack buffered writes. */
function isBusy(info: string): boolean {
  const has = (name: string, value: number): boolean => new RegExp(`^${name}:${value}\r?$`, "m").test(info);
  if (!has("aof_enabled", 1)) throw new Error("a database has no append-only file");
  return !has("aof_rewrite_in_progress", 0) || !has("aof_rewrite_scheduled", 0) || !has("aof_buffer_length", 0);
}

function textOf(reply: RedisReply | undefined): string {
  if (reply instanceof RedisErrorReply) throw reply;
  return String(reply);
}

function settingOf(reply: RedisReply): string {
  if (reply instanceof RedisErrorReply) throw reply;
  const value = itemsOf(reply)[1];
  if (typeof value === "string") return value;
  throw new Error("a database does not report where its append-only files are");
}
