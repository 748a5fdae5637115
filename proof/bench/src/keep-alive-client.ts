// HTTP client of the load generator: keep-alive connections, one request at a time on each, with minimal work per
// request (a general client costs more than the server it measures).
import { connect, type Socket } from "node:net";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** The connection ended or failed before a complete answer: the effect of the request is unknown. */
export class NoReply extends Error {
  readonly code = "no_reply";

  constructor(message: string) {
    super(message);
    this.name = "NoReply";
  }
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: NoReply) => void;
}

export class KeepAliveClient {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = "";
  #waiting: Waiting | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** One request at a time. @throws {NoReply} */
  request(method: "GET" | "POST", path: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const length = method === "POST" ? "Content-Length: 0\r\n" : "";
      this.#connected().write(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${length}\r\n`, "latin1");
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    socket.setEncoding("utf8");
    socket.on("data", (chunk: unknown) => this.#receive(String(chunk)));
    socket.on("error", (error) => this.#fail(socket, error.message));
    socket.on("close", () => this.#fail(socket, "the connection was closed"));
    this.#socket = socket;
    this.#received = "";
    return socket;
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    // Answers of the checkout system are ASCII: characters are bytes.
    const end = headEnd + 4 + length;
    if (this.#received.length < end) return;
    const reply = { status: Number(head.slice(9, 12)), body: this.#received.slice(headEnd + 4, end) };
    this.#received = this.#received.slice(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(reply);
  }

  #fail(socket: Socket, message: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new NoReply(message));
  }
}
