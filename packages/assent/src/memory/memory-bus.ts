// A bus inside one process: every command is a message of its own, through the real codec, so that a handler that takes
// long holds no other command back.
import {
  type Bus,
  type BusConnection,
  type BusOptions,
  type CommandEndpoint,
  type Destination,
  ServedNames,
  type Transport,
  type Wait,
  waitMsOf,
} from "../ports/index.ts";
import {
  type Answer,
  type Command,
  decodeAnswers,
  decoded,
  encodeCommands,
  type Question,
  type QuestionAnswer,
} from "../protocol/index.ts";

type Answering = (question: Question) => Promise<QuestionAnswer | undefined>;

/** Connects the services and coordinators of this process that share it. */
export function memoryBus(): Bus {
  const endpoints = new ServedNames<CommandEndpoint>();
  const coordinators = new ServedNames<Answering>();
  return { connect: (options) => Promise.resolve(new MemoryConnection({ endpoints, coordinators, ...options })) };
}

interface MemoryConnectionOptions extends BusOptions {
  readonly endpoints: ServedNames<CommandEndpoint>;
  readonly coordinators: ServedNames<Answering>;
}

class MemoryConnection implements BusConnection {
  readonly #options: MemoryConnectionOptions;
  /** What this connection has taken, to be given back. */
  readonly #taken: (() => void)[] = [];
  #isClosed = false;

  constructor(options: MemoryConnectionOptions) {
    this.#options = options;
  }

  readonly commands: Transport = {
    send: ({ service }: Destination, command: Command, wait: Wait) =>
      this.#bounded(waitMsOf(wait), `send to ${service}`, () => this.#deliver(service, command)),
  };

  readonly questions = {
    ask: (coordinator: string, question: Question, waitMs: number): Promise<QuestionAnswer | undefined> =>
      this.#bounded(waitMs, `ask ${coordinator}`, () => {
        const answer = this.#options.coordinators.get(coordinator);
        if (answer === undefined) throw new Error(`no coordinator ${coordinator} is connected to this bus`);
        return answer(question);
      }),
  };

  serveCommands(service: string, endpoint: CommandEndpoint): Promise<void> {
    return this.#take(this.#options.endpoints, service, endpoint);
  }

  serveQuestions(coordinator: string, answer: Answering): Promise<void> {
    return this.#take(this.#options.coordinators, coordinator, answer);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const giveBack of this.#taken) giveBack();
    return Promise.resolve();
  }

  /** Another instance that serves the same takes its place. */
  #take<Taken>(all: ServedNames<Taken>, name: string, taken: Taken): Promise<void> {
    this.#taken.push(all.add(name, taken));
    return Promise.resolve();
  }

  async #deliver(service: string, command: Command): Promise<Answer | undefined> {
    const endpoint = this.#options.endpoints.get(service);
    if (endpoint === undefined) throw new Error(`no service ${service} is connected to this bus`);
    const reply = await endpoint(encodeCommands([command]));
    const [answer] = reply === undefined ? [] : decodeAnswers(reply);
    return answer && decoded(answer);
  }

  /** What came within the time; undefined when nothing did, or it failed. */
  #bounded<Reply>(waitMs: number, work: string, act: () => Promise<Reply | undefined>): Promise<Reply | undefined> {
    const { clock, observer } = this.#options;
    if (this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = clock.after(waitMs, () => resolve(undefined));
      const end = (reply: Reply | undefined): void => {
        timer.cancel();
        resolve(reply);
      };
      // A sender never gets its answer in the turn in which it sends.
      Promise.resolve()
        .then(act)
        .then(end, (error: unknown) => {
          observer.observe({ type: "BackgroundWorkFailed", work, error });
          end(undefined);
        });
    });
  }
}
