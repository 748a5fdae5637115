// Answers of the server itself, in the format of the services' refusals.
import type { Problem } from "@assent/contract";
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** @param closes whether the connection ends with it, because the following bytes may not be a request */
export function refuse(response: ServerResponse, problem: Problem, closes: boolean): void {
  const body = bodyOf(problem);
  if (closes) response.shouldKeepAlive = false;
  response.writeHead(problem.status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

/** Writes a refusal to a connection for which the server has no response object, and closes it. */
export function refuseConnection(socket: Duplex, problem: Problem, headers = ""): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = bodyOf(problem);
  const head =
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${headers}Content-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

const bodyOf = ({ body }: Problem): string => JSON.stringify(body);
