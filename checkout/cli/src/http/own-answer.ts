// Answers that the server gives itself, in the form of the services' refusals.
import type { Problem } from "@assent/contract";
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** @param closes whether the connection ends with it: what follows on it may be no request */
export function refuse(response: ServerResponse, problem: Problem, closes: boolean): void {
  const body = bodyOf(problem);
  if (closes) response.shouldKeepAlive = false;
  response.writeHead(problem.status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

/** Writes a refusal to a connection that the server has no response for, and closes it. */
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
