// The HTTP server around the services: it also answers what never becomes a request of theirs, and when it stops,
// everybody who was let in gets an answer.
import { bodyBytesMax, bodyTooLarge } from "@assent/contract";
import { getRequestListener, RequestError } from "@hono/node-server";
import { createServer, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { CannotStart } from "../cannot-start.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const keepAliveMs = 65_000;

/** What the parser refuses, by its error code; the rest is 400. */
const statusByParserError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

export class ServiceServer {
  readonly #server: Server;
  /** Not answered yet. */
  readonly #open = new Set<ServerResponse>();
  #stopping = false;
  #whenIdle: () => void = () => undefined;

  constructor(fetch: (request: Request) => Response | Promise<Response>) {
    // A missing Host is refused below, in our own form.
    this.#server = createServer({ requireHostHeader: false });
    this.#server.keepAliveTimeout = keepAliveMs;
    const answer = getRequestListener(fetch, { errorHandler: answerFailure });
    this.#server.on("request", (request, response) => {
      this.#track(response);
      if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) return refuseBody(response);
      // HTTP/1.0, which probes of load balancers speak, has no Host.
      if (request.httpVersion === "1.0") request.headers.host ??= "localhost";
      void answer(request, response);
    });
    this.#server.on("checkExpectation", (request, response) => {
      this.#track(response);
      const body = JSON.stringify(malformed(`${STATUS_CODES[417]}: ${request.headers.expect}`));
      const length = Buffer.byteLength(body);
      response.writeHead(417, { "Content-Type": "application/json", "Content-Length": length, Connection: "close" });
      response.end(body);
    });
    this.#server.on("connect", (_request, socket) => refuseTunnel(socket));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
  }

  /** Resolves with its URL when it takes requests. @throws {CannotStart} */
  async listen({ host, port }: ListenOptions): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const message = `Cannot listen on ${host}, port ${port} (${cause.message}). Set HOST or PORT to another.`;
        reject(new CannotStart("cannot_listen", message, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    this.#server.removeAllListeners("error");
    const { address, family, port: chosen } = this.#server.address() as AddressInfo;
    return `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
  }

  /** Takes no new connections; those there are end with their next answer. */
  stopListening(): void {
    this.#stopping = true;
    this.#server.close();
    for (const response of this.#open) response.shouldKeepAlive = false;
  }

  /** Waits up to `waitMs` for the answers that are still owed, then cuts every connection. */
  async close(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#open.size === 0) this.#whenIdle();
    });
    this.#server.closeAllConnections();
  }

  #track(response: ServerResponse): void {
    this.#open.add(response);
    if (this.#stopping) response.shouldKeepAlive = false;
    response.once("close", () => {
      this.#open.delete(response);
      if (this.#open.size === 0) this.#whenIdle();
    });
  }

  /** Bytes that are no HTTP, or too many of them. */
  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    const begun = [...this.#open].find((response) => response.socket === socket);
    if (begun !== undefined && socket.writable) {
      // The head was good and the request is under way: only its own answer is true. Nothing more is read.
      begun.shouldKeepAlive = false;
      return;
    }
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = statusByParserError[error.code ?? ""] ?? 400;
    const reason = STATUS_CODES[status] ?? "";
    endWith(socket, `${status} ${reason}`, malformed(`${reason}: ${error.message}`));
  }
}

/** Before any of it is read. */
function refuseBody(response: ServerResponse): void {
  const { status, message: error, code } = bodyTooLarge;
  const body = JSON.stringify({ error, code });
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": length, Connection: "close" });
  response.end(body);
}

function refuseTunnel(socket: Duplex): void {
  // It may be reset while it is being answered: there is nobody left to tell.
  socket.on("error", () => socket.destroy());
  const problem = { error: "There are no tunnels here: CONNECT is not taken.", code: "method_not_allowed" };
  endWith(socket, "405 Method Not Allowed\r\nAllow: GET, HEAD, POST", problem);
}

/** Writes an answer to a connection that the server has no response for, and closes it. */
function endWith(socket: Duplex, statusAndHeaders: string, problem: object): void {
  const body = JSON.stringify(problem);
  const head =
    `HTTP/1.1 ${statusAndHeaders}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

/** A request whose target or host make no URL. Anything else the services answer themselves. */
function answerFailure(error: unknown): Response {
  if (error instanceof RequestError) return Response.json(malformed(`Bad Request: ${error.message}`), { status: 400 });
  return Response.json({ error: "This is a bug of the service.", code: "internal_error" }, { status: 500 });
}

function malformed(error: string): { readonly error: string; readonly code: string } {
  return { error, code: "malformed_request" };
}
