// The bus over HTTP: what a process sends goes to the URLs of others, and what it takes comes in through a handler that
// the application mounts in its own server.
import { nextTurn } from "../node/index.ts";
import type { Bus, BusConnection, BusOptions } from "../ports/index.ts";
import { HttpHandler } from "./http-handler.ts";
import { HttpTransport } from "./http-transport.ts";
import { type NodeListener, nodeListener } from "./node-listener.ts";
import type { HttpCredentials } from "./seal.ts";

export interface HttpBusOptions {
  /** Proves that a message is of this system: the same in all its processes. At least 32 characters. */
  readonly credentials: HttpCredentials;
  /**
   * Where each service and each coordinator that this process sends to is mounted, by its name. A service sends
   * questions to its coordinators.
   */
  readonly urls: Readonly<Record<string, string | URL>>;
}

export interface HttpBus extends Bus {
  /** Answers requests to `…/commands/SERVICE` and `…/questions/COORDINATOR`: mount it in a server of the Fetch API. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** The same for Node's HTTP server, and as a middleware of Express. */
  readonly listener: NodeListener;
}

/** A bus without a broker. @throws {RangeError} for credentials that are too short; {TypeError} for an invalid URL */
export function http({ urls, credentials }: HttpBusOptions): HttpBus {
  const handler = new HttpHandler({ credentials, now: () => Date.now() });
  // Checks the URLs now, and not when the first message is sent.
  for (const url of Object.values(urls)) void new URL(url);
  return {
    fetch: handler.fetch,
    listener: nodeListener(handler.fetch),
    connect: async (options) => connection(handler, { urls, credentials, ...options }),
  };
}

function connection(
  handler: HttpHandler,
  { urls, credentials, clock, observer }: HttpBusOptions & BusOptions,
): BusConnection {
  const onFailure = (work: string, error: unknown): void =>
    observer.observe({ type: "BackgroundWorkFailed", work, error });
  const transport = new HttpTransport({ urls, credentials, clock, schedule: nextTurn, onFailure });
  const taken: (() => void)[] = [];
  let isClosed = false;
  const unlessClosed =
    <Sent extends readonly unknown[], Reply>(send: (...sent: Sent) => Promise<Reply | undefined>) =>
    (...sent: Sent): Promise<Reply | undefined> =>
      isClosed ? Promise.resolve(undefined) : send(...sent);
  return {
    commands: { send: unlessClosed(transport.send.bind(transport)) },
    questions: { ask: unlessClosed(transport.ask.bind(transport)) },
    serveCommands: async (service, endpoint) => void taken.push(handler.serveCommands(service, endpoint, onFailure)),
    serveQuestions: async (name, answer) => void taken.push(handler.serveQuestions(name, answer, onFailure)),
    close: async () => {
      isClosed = true;
      for (const giveBack of taken) giveBack();
      transport.drain();
    },
  };
}
