import { type Clock, type Transport, waitMsOf } from "assent/internal/ports";
import {
  type Answer,
  decoded,
  decodeAnswers,
  decodeCommands,
  encodeAnswers,
  encodeCommands,
} from "assent/internal/protocol";
import { MemoryTransport } from "assent/memory";
import { type Broken, provesItself } from "../test-kit/catches.ts";
import type { Endpoint, TransportAdapter } from "./adapters.ts";
import type { Open } from "./suite.ts";
import { transportCases } from "./transport-suite.ts";

type Endpoints = Readonly<Record<string, Endpoint>>;
interface Wires {
  readonly endpoints: Endpoints;
  readonly clock: Clock;
}

const memory = ({ endpoints, clock }: Wires): MemoryTransport =>
  new MemoryTransport({ endpoints, clock, schedule: setImmediate });

function opening(connect: (wires: Wires) => Transport): Open<TransportAdapter> {
  return (clock) => ({
    adapter: { connect: (endpoints) => connect({ endpoints, clock }) },
    close: () => undefined,
  });
}

/** The good transport over endpoints whose messages are tampered with. */
const onTheWay = (change: (endpoint: Endpoint) => Endpoint): Open<TransportAdapter> =>
  opening(({ endpoints, clock }) => {
    const changed = Object.entries(endpoints).map(([name, endpoint]): [string, Endpoint] => [name, change(endpoint)]);
    return memory({ endpoints: Object.fromEntries(changed), clock });
  });

const withAnswers = (
  change: (answers: readonly Answer[], count: number) => readonly Answer[],
): Open<TransportAdapter> =>
  onTheWay((endpoint) => async (message) => {
    const reply = await endpoint(message);
    return reply === undefined
      ? undefined
      : encodeAnswers(change(decodeAnswers(reply).map(decoded), decodeCommands(message).length));
  });

/** One message for each command, and nothing checked. */
const unchecked = (write: (text: string) => string): Open<TransportAdapter> =>
  opening(({ endpoints, clock }) => ({
    async send({ service }, command, wait) {
      const over = new Promise<undefined>((resolve) => clock.after(waitMsOf(wait), () => resolve(undefined)));
      const exchange = async (): Promise<Answer | undefined> => {
        try {
          const message = new TextEncoder().encode(write(new TextDecoder().decode(encodeCommands([command]))));
          const reply = JSON.parse(new TextDecoder().decode(await endpoints[service]?.(message)));
          return (reply as { answers: readonly Answer[] }).answers[0];
        } catch {
          return undefined;
        }
      };
      return Promise.race([exchange(), over]);
    },
  }));

const waiting = (change: (clock: Clock) => Clock): Open<TransportAdapter> =>
  opening(({ endpoints, clock }) => memory({ endpoints, clock: change(clock) }));

const broken: readonly Broken<TransportAdapter>[] = [
  {
    that: "does not decode what comes back",
    open: unchecked((text) => text),
    caughtBy: ["M3 an undecodable reply is no answer"],
  },
  {
    that: "does not encode what is sent",
    open: unchecked((text) => text.replace(`"v":1,`, "")),
    caughtBy: ["M1 a command arrives as it was sent"],
  },
  {
    that: "writes other characters than it was given",
    open: unchecked((text) => text.replaceAll(/[^\u0020-\u007e]/g, "?")),
    caughtBy: ["M1 a command arrives as it was sent"],
  },
  {
    that: "loses the order of answers",
    open: withAnswers((answers) => answers.toReversed()),
    caughtBy: ["M4 of many sends each gets its own answer"],
  },
  {
    that: "repeats an answer where others are missing",
    open: withAnswers((answers, count) =>
      Array.from({ length: count }, (_, index) => answers[index] ?? answers[0]).filter(
        (answer) => answer !== undefined,
      ),
    ),
    caughtBy: ["M4 too few answers"],
  },
  {
    that: "takes silence for an answer",
    open: opening(({ endpoints, clock }) => ({
      send: async (destination, command, waitMs) =>
        (await memory({ endpoints, clock }).send(destination, command, waitMs)) ?? {
          kind: "refused",
          reason: "silent",
        },
    })),
    caughtBy: ["M1 no answer is undefined", "M1 a service that nobody knows", "M3 an endpoint that rejects"],
  },
  {
    that: "rejects when there is no answer",
    open: opening(({ endpoints, clock }) => ({
      async send(destination, command, waitMs) {
        const answer = await memory({ endpoints, clock }).send(destination, command, waitMs);
        if (answer === undefined) throw new Error("no answer");
        return answer;
      },
    })),
    caughtBy: ["M3 an endpoint that throws", "M1 an endpoint without an answer", "M3 an undecodable reply"],
  },
  {
    that: "waits for ever",
    open: waiting((clock) => ({
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: () => ({ cancel: () => undefined }),
    })),
    caughtBy: ["M1 no answer is undefined when the wait is over", "M1 an answer after the wait"],
  },
  {
    that: "does not wait for long",
    open: waiting((clock) => ({
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) => clock.after(delayMs / 2, callback),
    })),
    caughtBy: ["M1 no answer is undefined when the wait is over, and not before"],
  },
  {
    that: "waits as long for all as for the most patient",
    open: opening(({ endpoints, clock }) => {
      const transport = memory({ endpoints, clock });
      return { send: (destination, command) => transport.send(destination, command, 10_000) };
    }),
    caughtBy: ["M1 each send waits as long as it said"],
  },
  {
    that: "gives up when it has tried for long enough",
    open: opening(({ endpoints, clock }) => {
      const transport = memory({ endpoints, clock });
      return {
        send: (destination, command, wait) =>
          transport.send(destination, command, typeof wait === "number" ? wait : wait.tryForMs),
      };
    }),
    caughtBy: ["M1 an answer is waited for longer"],
  },
  {
    that: "gives up for all when the hastiest does",
    open: opening(({ endpoints, clock }) => {
      const transport = memory({ endpoints, clock });
      const hasty = Promise.withResolvers<undefined>();
      return {
        send(destination, command, waitMs) {
          const answer = transport.send(destination, command, waitMs);
          void answer.then((given) => {
            if (given === undefined) hasty.resolve(undefined);
          });
          return Promise.race([answer, hasty.promise]);
        },
      };
    }),
    caughtBy: ["M1 each send waits as long as it said"],
  },
  {
    that: "lets one failed exchange spoil what is sent to others",
    open: opening(({ endpoints, clock }) => {
      const transport = memory({ endpoints, clock });
      let isSpoilt = false;
      return {
        async send(destination, command, waitMs) {
          const answer = await transport.send(destination, command, waitMs);
          isSpoilt ||= answer === undefined;
          return isSpoilt ? undefined : answer;
        },
      };
    }),
    caughtBy: ["M1 a service that nobody knows"],
  },
  {
    that: "brings everything to one service",
    open: opening(({ endpoints, clock }) => {
      const transport = memory({ endpoints, clock });
      return { send: (to, command, waitMs) => transport.send({ ...to, service: "stock" }, command, waitMs) };
    }),
    caughtBy: ["M4 services are apart"],
  },
  {
    that: "sends whatever was asked for in one message, however large",
    open: onTheWay((endpoint) => gathering(endpoint)),
    caughtBy: ["M4 what is too large for one message"],
  },
];

/** Puts the messages of one turn together again. */
function gathering(endpoint: Endpoint): Endpoint {
  let gathered: {
    message: Uint8Array;
    resolve: (reply: readonly Answer[]) => void;
    reject: (error: unknown) => void;
  }[] = [];
  const flush = async (): Promise<void> => {
    const batch = gathered;
    gathered = [];
    try {
      const commands = batch.map(({ message }) => decodeCommands(message).map(decoded));
      const reply = await endpoint(encodeCommands(commands.flat()));
      const answers = reply === undefined ? [] : decodeAnswers(reply).map(decoded);
      let from = 0;
      batch.forEach(({ resolve }, index) => {
        const count = commands[index]?.length ?? 0;
        resolve(answers.slice(from, from + count));
        from += count;
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };
  return async (message) => {
    const answers = await new Promise<readonly Answer[]>((resolve, reject) => {
      if (gathered.push({ message, resolve, reject }) === 1) setImmediate(() => void flush());
    });
    return encodeAnswers(answers);
  };
}

provesItself(transportCases, { good: opening(memory), broken });
