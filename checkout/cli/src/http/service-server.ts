// The HTTP server around the services. It answers requests that never reach a service, and when it stops, it sends all
// pending answers.
import { bodyBytesMax, bodyTooLarge, Problem } from "@assent/contract";
import { getRequestListener, RequestError } from "@hono/node-server";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { CannotStart } from "../cannot-start.ts";
import { ClientConnection, type Serve } from "./client-connection.ts";
import { isLoopback } from "./loopback.ts";
import { type Addressee, refusalOf } from "./request-policy.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const keepAliveMs = 65_000;

/** Problems by error code of the parser; every other code is `malformed_request`. */
const codeByParserError = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "body_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
} as const;

export class ServiceServer {
  readonly #server: Server;
  readonly #connections = new Map<Duplex, ClientConnection>();
  readonly #serve: Serve;
  readonly #self: Addressee;
  #stopping = false;
  #onlyLoopback = false;
  #whenIdle: () => void = () => undefined;

  /** @param self the names of this process, for senders that address one */
  constructor(fetch: (request: Request) => Response | Promise<Response>, self: Addressee = {}) {
    this.#self = self;
    // A missing Host is refused below, in our own format. Bodies are read before a request is served, so none has to be
    // discarded afterwards.
    this.#server = createServer({ requireHostHeader: false, optimizeEmptyRequests: true });
    this.#server.keepAliveTimeout = keepAliveMs;
    // A client that ends its side after a request still gets the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    const answer = getRequestListener(fetch, { errorHandler: answerFailure, autoCleanupIncoming: false });
    this.#serve = (request, response) => void answer(request, response);
    this.#server.on("connection", (socket) => this.#connect(socket));
    this.#server.on("request", (request, response) => this.#take(request, response));
    this.#server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      if (!isTooLarge(request)) response.writeContinue();
      this.#take(request, response);
    });
    this.#server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
      const problem = new Problem("expectation_failed", `${STATUS_CODES[417]}: ${request.headers.expect}`);
      this.#connections.get(request.socket)?.refuse(request, response, problem);
    });
    this.#server.on("connect", (_request, socket) => {
      // If the connection is reset during the answer, there is no client left to answer.
      socket.on("error", () => socket.destroy());
      const problem = new Problem("method_not_allowed", "CONNECT is not supported: this server offers no tunnels.");
      this.#connections.get(socket)?.break(problem, "Allow: GET, HEAD, POST\r\n");
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (socket.writable) this.#connections.get(socket)?.break(problemOf(error));
      else socket.destroy();
    });
  }

  /** Resolves with its URL when it takes requests. @throws {CannotStart} */
  async listen({ host, port }: ListenOptions): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        const message = `Cannot listen on ${host}, port ${port} (${cause.message}). Set HOST or PORT to another value.`;
        reject(new CannotStart("cannot_listen", message, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    this.#server.removeAllListeners("error");
    const { address, family, port: chosen } = this.#server.address() as AddressInfo;
    this.#onlyLoopback = isLoopback(address);
    return `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
  }

  /** Accepts no new connections; existing ones end with their next answer. */
  stopListening(): void {
    this.#stopping = true;
    this.#server.close();
    for (const connection of this.#connections.values()) connection.stop();
  }

  /** Waits up to `waitMs` for pending answers, then closes every connection. */
  async close(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#whenIdle = () => {
        if ([...this.#connections.values()].some((connection) => !connection.isIdle)) return;
        clearTimeout(timer);
        resolve();
      };
      this.#whenIdle();
    });
    this.#server.closeAllConnections();
  }

  #connect(socket: Duplex): void {
    const connection = new ClientConnection(socket, () => this.#whenIdle());
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      connection.closed();
    });
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    // HTTP/1.0, which probes of load balancers speak, has no Host.
    if (request.httpVersion === "1.0") request.headers.host ??= "localhost";
    const policy = { onlyLoopback: this.#onlyLoopback, self: this.#self };
    const problem = isTooLarge(request) ? bodyTooLarge : refusalOf(request, policy);
    if (problem === undefined) connection.take(request, response, this.#serve);
    else connection.refuse(request, response, problem);
    // Node's parser loses the bytes after an upgrade that no listener handles.
    if (this.#stopping || request.headers.upgrade !== undefined) connection.stop();
  }
}

function isTooLarge({ headers }: IncomingMessage): boolean {
  return Number(headers["content-length"] ?? 0) > bodyBytesMax;
}

function problemOf({ code, message }: NodeJS.ErrnoException): Problem {
  const own = codeByParserError[code as keyof typeof codeByParserError] ?? "malformed_request";
  const problem = new Problem(own, message);
  return new Problem(own, `${STATUS_CODES[problem.status]}: ${message}. Nothing was changed.`);
}

/** The target or host of a request is not a URL. All other requests are answered by the services. */
function answerFailure(error: unknown): Response {
  const problem =
    error instanceof RequestError
      ? new Problem("malformed_request", `Bad Request: ${error.message}`)
      : new Problem("internal_error", "This is a bug in the service.");
  return Response.json(problem.body, { status: problem.status });
}
