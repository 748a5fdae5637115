// Every connection between two processes of a topology runs through a proxy here, so that it can be cut or slowed,
// pair by pair. A cut is silent, as on a real network: nothing is refused or closed; nothing arrives until it heals.
import { loopback } from "@assent/local-servers";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Whether the connections of a pair are selected. */
export type Pairs = (from: string, to: string) => boolean;

interface Proxy {
  readonly from: string;
  readonly to: string;
  readonly server: Server;
  readonly port: number;
  readonly streams: Set<Stream>;
}

export class CutNetwork {
  readonly #proxies = new Map<string, Promise<Proxy>>();
  readonly #open: Proxy[] = [];
  readonly #cuts = new Set<Pairs>();
  readonly #delays = new Map<Pairs, number>();

  /** A `Link` of the launcher: the port by which `from` reaches `to`. */
  readonly link = async (from: string, to: string, port: number): Promise<number> => {
    const name = `${from} ${to} ${port}`;
    let proxy = this.#proxies.get(name);
    if (proxy === undefined) {
      proxy = this.#openProxy(from, to, port);
      this.#proxies.set(name, proxy);
    }
    return (await proxy).port;
  };

  /** Cuts pairs until the returned function is called. @throws Error if no pair is selected */
  cut(pairs: Pairs): () => void {
    this.#mustMean(pairs);
    this.#cuts.add(pairs);
    this.#apply();
    return () => {
      this.#cuts.delete(pairs);
      this.#apply();
    };
  }

  /** Delays both directions of pairs until the returned function is called. @throws Error if no pair is selected */
  slow(pairs: Pairs, delayMs: number): () => void {
    this.#mustMean(pairs);
    this.#delays.set(pairs, delayMs);
    this.#apply();
    return () => {
      this.#delays.delete(pairs);
      this.#apply();
    };
  }

  close(): void {
    for (const { server, streams } of this.#open) {
      server.close();
      for (const stream of streams) stream.end();
    }
  }

  #openProxy(from: string, to: string, target: number): Promise<Proxy> {
    const streams = new Set<Stream>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const stream = new Stream(socket, target, () => streams.delete(stream));
      streams.add(stream);
      stream.set(this.#stateOf(from, to));
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, loopback, () => {
        const proxy = { from, to, server, port: (server.address() as AddressInfo).port, streams };
        this.#open.push(proxy);
        resolve(proxy);
      });
    });
  }

  #mustMean(pairs: Pairs): void {
    if (!this.#open.some(({ from, to }) => pairs(from, to))) throw new Error("no such pair: nothing would be cut");
  }

  #apply(): void {
    for (const { from, to, streams } of this.#open) {
      const state = this.#stateOf(from, to);
      for (const stream of streams) stream.set(state);
    }
  }

  #stateOf(from: string, to: string): StreamState {
    const isCut = [...this.#cuts].some((pairs) => pairs(from, to));
    const delays = [...this.#delays].map(([pairs, delayMs]) => (pairs(from, to) ? delayMs : 0));
    return { isCut, delayMs: Math.max(0, ...delays) };
  }
}

interface StreamState {
  readonly isCut: boolean;
  readonly delayMs: number;
}

/** One connection, in both directions. */
class Stream {
  readonly #near: Socket;
  readonly #target: number;
  readonly #ended: () => void;
  #far: Socket | undefined;
  #state: StreamState = { isCut: true, delayMs: 0 };
  #hasEnded = false;
  /** Events held back by a cut: a paused socket still notices that the other end has closed. */
  #held: (() => void)[] = [];

  constructor(near: Socket, target: number, ended: () => void) {
    this.#near = near;
    this.#target = target;
    this.#ended = ended;
    near.pause();
    near.setNoDelay(true);
    near.on("error", () => this.#broken());
    near.on("close", () => this.#close());
  }

  set(state: StreamState): void {
    this.#state = state;
    if (this.#hasEnded) return;
    if (state.isCut) {
      this.#near.pause();
      this.#far?.pause();
      return;
    }
    if (this.#near.destroyed || this.#far?.destroyed === true) return this.end();
    if (this.#far === undefined) {
      this.#far = this.#connect();
      carry(this.#near, this.#far, this);
      carry(this.#far, this.#near, this);
    }
    for (const work of this.#held.splice(0)) work();
    this.#near.resume();
    this.#far.resume();
  }

  /** Runs it now, or as soon as the cut is healed. */
  whenHealed(work: () => void): void {
    if (this.#state.isCut) this.#held.push(work);
    else work();
  }

  get isCut(): boolean {
    return this.#state.isCut;
  }

  get delayMs(): number {
    return this.#state.delayMs;
  }

  end(): void {
    this.#near.destroy();
    this.#far?.destroy();
    this.#close();
  }

  #connect(): Socket {
    const far = connect({ port: this.#target, host: loopback, noDelay: true, allowHalfOpen: true });
    far.on("error", () => this.#broken());
    far.on("close", () => this.#close());
    return far;
  }

  #broken(): void {
    if (!this.#state.isCut) this.end();
  }

  /** One end has closed; across a cut the other end is closed only after it is healed. */
  #close(): void {
    if (this.#hasEnded || this.#state.isCut) return;
    this.#hasEnded = true;
    this.#near.destroy();
    this.#far?.destroy();
    this.#ended();
  }
}

/** Forwards data, delayed if the stream is slow, and not faster than it is read. */
function carry(from: Socket, to: Socket, stream: Stream): void {
  let due = 0;
  const pass = (work: () => void): void => {
    // Keeps the order, even if the delay changes meanwhile.
    due = Math.max(due, performance.now() + stream.delayMs);
    if (due <= performance.now()) work();
    else setTimeout(work, due - performance.now());
  };
  const write = (chunk: Buffer): void => {
    if (!to.destroyed && !to.write(chunk)) from.pause();
  };
  from.on("data", (chunk: Buffer) => stream.whenHealed(() => pass(() => write(chunk))));
  to.on("drain", () => {
    if (!stream.isCut) from.resume();
  });
  // Data in transit over a slow pair is lost with the machine that sent it.
  from.on("end", () => stream.whenHealed(() => (stream.delayMs > 0 ? stream.end() : to.end())));
}
