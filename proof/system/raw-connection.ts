// A connection on which a test sends arbitrary bytes and reads the answers.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const giveUpMs = 60_000;

export class RawConnection {
  readonly #socket: Socket;
  #received = "";
  #closed = false;
  #failure: Error | undefined;

  /** @param url of the server */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.#socket.on("data", (chunk: unknown) => (this.#received += String(chunk)));
    this.#socket.on("error", (error) => (this.#failure = error));
    this.#socket.on("end", () => this.#socket.end());
    this.#socket.on("close", () => (this.#closed = true));
  }

  send(bytes: string): void {
    this.#socket.write(Buffer.from(bytes, "utf8"));
  }

  /** Ends this side; the other side may continue. */
  end(bytes = ""): void {
    this.#socket.end(Buffer.from(bytes, "utf8"));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** The answers so far; the last one may be incomplete. */
  answers(): readonly RawAnswer[] {
    return parsed(this.#received);
  }

  /** Resolves with all answers when the server has closed the connection. */
  async untilClosed(): Promise<readonly RawAnswer[]> {
    await this.#until(() => this.#closed);
    assert.equal(this.#failure, undefined);
    return this.answers();
  }

  /** Resolves with the first `count` answers. */
  async first(count: number): Promise<readonly RawAnswer[]> {
    await this.#until(() => this.answers().length >= count);
    return this.answers().slice(0, count);
  }

  async #until(condition: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + giveUpMs;
    while (!condition()) {
      assert.ok(performance.now() < giveUpAt, `timed out; received ${JSON.stringify(this.#received)}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
    }
  }
}

/** A POST without a body. */
export const post = (path: string, headers = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

export const get = (path: string, headers = ""): string => post(path, headers).replace("POST", "GET");

/** Sends all bytes, ends this side, and resolves with the answers once the server has closed the connection. */
export function exchange(url: string, bytes: string): Promise<readonly RawAnswer[]> {
  const connection = new RawConnection(url);
  connection.end(bytes);
  return connection.untilClosed();
}

function parsed(text: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  for (;;) {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd === -1) return answers;
    const [statusLine = "", ...lines] = rest.slice(0, headEnd).split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    const bodyEnd = headEnd + 4 + Number(headers["content-length"] ?? 0);
    if (rest.length < bodyEnd) return answers;
    answers.push({ status: Number(statusLine.split(" ")[1]), headers, body: rest.slice(headEnd + 4, bodyEnd) });
    rest = rest.slice(bodyEnd);
  }
}
