// Stands between a program and its PostgreSQL, so that a process can be killed, or a connection cut, at one exact
// moment. Nothing of it is in the programs.
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

/** A change was asked for and has not reached the server; or it was committed and the program does not know it yet. */
export type Moment = "asked" | "committed";

/** A connection that is silent since its moment. */
export interface Held {
  /** Both sides see a broken connection; what was held back is lost. */
  cut(): void;
  /** What was held back arrives. */
  release(): void;
}

interface Wanted {
  readonly moment: Moment;
  readonly resolve: (held: Held) => void;
}

const change = /UPDATE (?:flights|wallets) SET/i;
const committed = /C\0\0\0[^](?:COMMIT|UPDATE \d+)\0/;
/** The server is ready, and no transaction is open. */
const outside = "Z\0\0\0\x05I";

export class SqlProxy {
  readonly #server: Server;
  readonly #serverPort: number;
  readonly #sockets = new Set<Socket>();
  #wanted: Wanted | undefined;

  private constructor(server: Server, serverPort: number) {
    this.#server = server;
    this.#serverPort = serverPort;
    server.on("connection", (client) => this.#join(client));
  }

  static async start(serverPort: number): Promise<SqlProxy> {
    const server = createServer();
    const proxy = new SqlProxy(server, serverPort);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when the next change of the books comes to that moment. */
  hold(moment: Moment): Promise<Held> {
    return new Promise((resolve) => (this.#wanted = { moment, resolve }));
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    const server = connect(this.#serverPort, "127.0.0.1");
    const held: Buffer[] = [];
    let isHeld = false;
    let changes = false;
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    const stopAt = (moment: Moment, pass: (bytes: Buffer) => void): boolean => {
      if (this.#wanted?.moment !== moment) return false;
      const { resolve } = this.#wanted;
      this.#wanted = undefined;
      isHeld = true;
      const release = (): void => {
        isHeld = false;
        for (const bytes of held.splice(0)) pass(bytes);
      };
      resolve({ cut, release });
      return true;
    };
    client.on("data", (bytes: Buffer) => {
      if (change.test(bytes.toString("latin1"))) {
        changes = true;
        stopAt("asked", (late) => server.write(late));
      }
      if (isHeld) held.push(bytes);
      else server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      const text = bytes.toString("latin1");
      if (changes && committed.test(text) && text.includes(outside)) {
        changes = false;
        stopAt("committed", (late) => client.write(late));
      }
      if (isHeld) held.push(bytes);
      else client.write(bytes);
    });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      // A killed process resets its connections.
      socket.on("error", cut);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
  }
}
