// Requests a backup from the process that uses a data folder: a socket in that folder, accessible only to its owner.
// One request and one response, each a line of JSON.
import { fieldOf, parseJson } from "assent/internal/protocol";
import { chmodSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const socketName = "control.sock";
/** The longest socket path that every operating system accepts. */
const pathBytesMax = 103;
const requestBytesMax = 65_536;

type BackupReply = { readonly done: true } | { readonly error: string };

/** Serves requests, each naming a folder to create, until closed. Undefined if the folder's path is too long. */
export async function serveControl(
  dataFolder: string,
  backUp: (target: string) => Promise<void>,
): Promise<Server | undefined> {
  const path = join(dataFolder, socketName);
  if (Buffer.byteLength(path) > pathBytesMax) return undefined;
  // Left by a killed process: this process holds the folder's lock.
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, backUp));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  server.unref();
  return server;
}

/** Sends a request to the process that uses the folder. @throws Error with that process's message if it failed */
export async function askForBackup(dataFolder: string, target: string): Promise<void> {
  const socket = createConnection({ path: join(dataFolder, socketName), allowHalfOpen: true });
  socket.end(`${JSON.stringify({ backUp: target })}\n`);
  const answered = await text(socket);
  if (answered === "") throw new Error("the process that uses the folder ended before it answered");
  const error = fieldOf(parseJson(answered), "error");
  if (typeof error === "string") throw new Error(error);
}

async function answer(socket: Socket, backUp: (target: string) => Promise<void>): Promise<void> {
  socket.on("error", () => socket.destroy());
  const answered = await perform(socket, backUp).catch((error: unknown): BackupReply => ({
    error: error instanceof Error ? error.message : String(error),
  }));
  socket.end(`${JSON.stringify(answered)}\n`);
}

async function perform(socket: Socket, backUp: (target: string) => Promise<void>): Promise<BackupReply> {
  let request = "";
  for await (const chunk of socket) {
    request += String(chunk);
    if (request.length > requestBytesMax) throw new Error("the request is too long");
  }
  const target = fieldOf(parseJson(request), "backUp");
  if (typeof target !== "string") throw new Error("the request names no folder");
  await backUp(target);
  return { done: true };
}
