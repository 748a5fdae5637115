// One connection of a client. Its requests are served one after another, in order of arrival, each once it is complete
// (RFC 9112, 9.3.2): broken requests are never started, and started requests are always answered.
import { bodyBytesMax, bodyTooLarge, type Problem } from "@assent/contract";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { refuse, refuseConnection } from "./own-answer.ts";

/** Serves a request whose body, if it has one, is in `rawBody`. */
export type Serve = (request: IncomingMessage & { rawBody?: Buffer }, response: ServerResponse) => void;

/** Waiting requests at which reading from the connection pauses. */
const waitingMax = 16;

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Undefined until the body is complete. */
  serve: Serve | undefined;
}

export class ClientConnection {
  readonly #socket: Duplex;
  readonly #onIdle: () => void;
  /** The request being served. */
  #current: Turn | undefined;
  #waiting: Turn[] = [];
  /** Requests that arrive from now on are not served. */
  #sealed = false;
  /** The refusal that ends the connection after all earlier requests are answered. */
  #parting: (() => void) | undefined;

  /** @param onIdle called whenever no answer is pending */
  constructor(socket: Duplex, onIdle: () => void) {
    this.#socket = socket;
    this.#onIdle = onIdle;
  }

  /** Whether no answer is pending. */
  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** Takes a request whose head has arrived. */
  take(request: IncomingMessage, response: ServerResponse, serve: Serve): void {
    if (this.#sealed) return;
    const turn: Turn = { request, response, serve };
    if (hasBody(request)) this.#receive(turn, serve);
    this.#enqueue(turn);
  }

  /** Refuses a request in its turn, before its body is read. */
  refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
    if (this.#sealed) return;
    const closes = hasBody(request);
    if (closes) this.#sealed = true;
    this.#enqueue({ request, response, serve: (_request, to) => refuse(to, problem, closes) });
  }

  /**
   * The following bytes are not a request. Refuses the request whose body they break, or else the rest of the
   * connection, after all pending answers.
   */
  break(problem: Problem, headers?: string): void {
    if (this.#sealed) return;
    this.#sealed = true;
    // If the client ends its side, Node would close the connection with the last answer, before this is written.
    this.#socket.removeAllListeners("end");
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.serve === undefined) {
      last.serve = (_request, response) => refuse(response, problem, true);
    } else {
      this.#parting = () => refuseConnection(this.#socket, problem, headers);
    }
    this.#advance();
  }

  /** The last pending answer announces the end of the connection. */
  stop(): void {
    const last = this.#waiting.at(-1) ?? this.#current;
    if (last === undefined || last.response.headersSent) return;
    last.response.shouldKeepAlive = false;
    this.#sealed = true;
  }

  /** The client has disconnected: requests that have not begun are dropped. */
  closed(): void {
    this.#sealed = true;
    this.#current = undefined;
    this.#waiting = [];
    this.#onIdle();
  }

  #enqueue(turn: Turn): void {
    this.#waiting.push(turn);
    if (this.#waiting.length === waitingMax) this.#socket.pause();
    if (this.#current === undefined) this.#advance();
  }

  #advance(): void {
    if (this.#current !== undefined) return;
    const next = this.#waiting[0];
    if (next === undefined) {
      this.#parting?.();
      this.#parting = undefined;
      this.#onIdle();
      return;
    }
    if (next.serve === undefined) return;
    this.#waiting.shift();
    if (this.#waiting.length === waitingMax - 1) this.#socket.resume();
    this.#current = next;
    next.response.on("close", this.#served);
    next.serve(next.request, next.response);
  }

  readonly #served = (): void => {
    if (this.#socket.destroyed) return;
    this.#current = undefined;
    this.#advance();
  };

  #receive(turn: Turn, serve: Serve): void {
    const { request } = turn;
    const chunks: Buffer[] = [];
    let bytes = 0;
    turn.serve = undefined;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else this.break(bodyTooLarge);
    });
    request.on("end", () => {
      if (turn.serve !== undefined) return;
      Object.assign(request, { rawBody: Buffer.concat(chunks) });
      turn.serve = serve;
      this.#advance();
    });
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
}
