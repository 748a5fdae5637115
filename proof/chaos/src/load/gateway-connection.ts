// One keep-alive connection to a gateway, one request at a time, with a limit on the wait for an answer. Uses sockets
// directly, because a general client costs too much CPU on a small machine.
import { connect, type Socket } from "node:net";

export interface Reply {
  readonly status: number;
  readonly body: string;
  /** From the Retry-After header. */
  readonly retryAfterMs: number | undefined;
}

export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The Idempotency-Key. */
  readonly key?: string;
}

interface Waiting {
  readonly resolve: (reply: Reply | undefined) => void;
  readonly timer: NodeJS.Timeout;
}

export class GatewayConnection {
  readonly #host: string;
  readonly #port: number;
  readonly #answerMs: number;
  #socket: Socket | undefined;
  #received = "";
  #waiting: Waiting | undefined;

  constructor(url: string, answerMs: number) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
    this.#answerMs = answerMs;
  }

  /** Undefined without a complete answer in time: the effect of the request is unknown. */
  ask({ method, path, key }: Request): Promise<Reply | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.close(), this.#answerMs);
      this.#waiting = { resolve, timer };
      const length = method === "POST" ? "Content-Length: 0\r\n" : "";
      const keyed = key === undefined ? "" : `Idempotency-Key: ${key}\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${length}${keyed}\r\n`;
      this.#connected().write(head, "latin1");
    });
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#settle(undefined);
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.setEncoding("utf8");
    socket.on("data", (chunk: unknown) => this.#receive(socket, String(chunk)));
    socket.on("error", () => this.#ended(socket));
    socket.on("close", () => this.#ended(socket));
    socket.on("end", () => this.#ended(socket));
    this.#socket = socket;
    this.#received = "";
    return socket;
  }

  #receive(socket: Socket, chunk: string): void {
    if (this.#socket !== socket) return;
    this.#received += chunk;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    // Answers of the checkout system are ASCII: characters are bytes.
    const end = headEnd + 4 + length;
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + 4, end);
    this.#received = this.#received.slice(end);
    // Data sent on a closing connection would be lost.
    if (/\r\nconnection: *close/i.test(head)) this.#drop(socket);
    const seconds = /\r\nretry-after: *(\d+)/i.exec(head)?.[1];
    const retryAfterMs = seconds === undefined ? undefined : Number(seconds) * 1_000;
    this.#settle({ status: Number(head.slice(9, 12)), body, retryAfterMs });
  }

  #drop(socket: Socket): void {
    this.#socket = undefined;
    socket.destroy();
  }

  #ended(socket: Socket): void {
    if (this.#socket === socket) this.close();
  }

  #settle(reply: Reply | undefined): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    clearTimeout(waiting.timer);
    waiting.resolve(reply);
  }
}
