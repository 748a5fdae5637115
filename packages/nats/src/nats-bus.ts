// One process on the bus: sends commands and questions, and serves its own.
import {
  type Clock,
  type Destination,
  type Outage,
  Outbox,
  questionEndpoint,
  type QuestionTransport,
  type Random,
  type Transport,
  type Wait,
} from "assent/internal/ports";
import {
  type Answer,
  type Command,
  decodeAnswers,
  decodeQuestionAnswers,
  encodeCommands,
  encodeQuestions,
  type Question,
  type QuestionAnswer,
} from "assent/internal/protocol";
import { BusRequests } from "./bus-requests.ts";
import { CommandRoutes } from "./command-routes.ts";
import { CommandWorker, type Endpoint } from "./command-worker.ts";
import { Connection } from "./connection.ts";
import { CoreServing, type CoreServingOptions } from "./core-serving.ts";
import { dispatch, type DispatchPorts } from "./dispatch.ts";
import { InstanceDirectory } from "./instance-directory.ts";
import { checkNatsLimits, defaultNatsLimits, type NatsLimits } from "./limits.ts";
import { Presence } from "./presence.ts";
import { ReplyInbox } from "./reply-inbox.ts";
import type { ReadyServing, Serving, ServingStatus } from "./serving.ts";
import { PreferredServing } from "./preferred-serving.ts";
import { ServingBothWays } from "./serving-both-ways.ts";
import { StreamServing } from "./stream-serving.ts";
import type { StreamStorage } from "./stream-setup.ts";
import { type Subjects, subjectsOf } from "./subjects.ts";

/**
 * Delivery of commands: stored by the broker until they are done, and also sent directly if that takes long; or only
 * sent directly.
 */
export type Delivery = "jetstream" | "core";

export interface NatsBusOptions {
  /** Such as "nats://127.0.0.1:4222", also with "user:password@" or "token@" before the host. */
  readonly servers: readonly string[];
  /** Name of this process in the broker's monitoring; need not be unique. */
  readonly name: string;
  /**
   * The name of the serving instance, such as "stock-0": commands go to the lowest name present, and the others are on
   * standby. Absent: this process only takes its share of commands that reach no named instance.
   */
  readonly instance?: string;
  /** The same in every process of a system. */
  readonly delivery: Delivery;
  /** Separates systems that share a broker; default: "assent". */
  readonly prefix?: string;
  /** Of the streams of commands; default: one copy in memory. */
  readonly storage?: StreamStorage;
  readonly clock: Clock;
  readonly random: Random;
  /** Runs the callback after everything sent in this turn, such as `setImmediate`. */
  readonly schedule: (callback: () => void) => void;
  readonly limits?: Partial<NatsLimits>;
  /** Called with each failure, without secrets; the affected message is unanswered or retried. */
  readonly onFailure?: (work: string, error: unknown) => void;
}

export interface NatsBusStatus {
  readonly connected: boolean;
  /** Host and port of the broker that it is connected to. */
  readonly server?: string;
  readonly services: readonly ServingStatus[];
  /** Replies that came after their wait was over. */
  readonly lateReplies: number;
}

interface CheckedOptions extends NatsBusOptions {
  readonly limits: NatsLimits;
  /** Never throws. */
  readonly onFailure: (work: string, error: unknown) => void;
}

type SharedServing = Pick<CoreServingOptions, "connection" | "worker" | "onFailure">;

const memoryStorage: StreamStorage = { kind: "memory", replicas: 1 };

export class NatsBus implements Transport, QuestionTransport {
  readonly #options: CheckedOptions;
  readonly #connection: Connection;
  readonly #subjects: Subjects;
  readonly #processName: string;
  readonly #ports: DispatchPorts;
  readonly #commands: Outbox<Command, Answer>;
  readonly #questions: Outbox<Question, QuestionAnswer>;
  /** Requests outside transactions. */
  readonly requests: BusRequests;
  readonly #servings = new Set<Serving>();
  #served = 0;

  private constructor(options: CheckedOptions, connection: Connection) {
    const { clock, schedule, random, limits, onFailure } = options;
    this.#options = options;
    this.#connection = connection;
    this.#subjects = subjectsOf(options.prefix ?? "assent");
    this.#processName = random.name();
    const replies = new ReplyInbox(connection, this.#subjects.replies(this.#processName));
    this.requests = new BusRequests({ connection, replies, clock, limits, subjects: this.#subjects, onFailure });
    this.#ports = { connection, replies, clock, limits, onFailure };
    const shared = { clock, schedule, onFailure, messageBytesMax: () => connection.messageBytesMax };
    const instances = new InstanceDirectory({ connection, subjects: this.#subjects, clock, limits, onFailure });
    const [ports, subjects, processName] = [this.#ports, this.#subjects, this.#processName];
    const routes = new CommandRoutes({ ports, subjects, instances, delivery: options.delivery, processName });
    this.#commands = new Outbox({
      ...shared,
      codec: { encode: encodeCommands, decode: decodeAnswers },
      exchange: (exchange) => routes.send(exchange),
      companyWaitMs: limits.companyWaitMs,
    });
    this.#questions = new Outbox({
      ...shared,
      codec: { encode: encodeQuestions, decode: decodeQuestionAnswers },
      exchange: ({ address: subject, ...exchange }) =>
        dispatch(this.#ports, { subject, ...exchange, isRepeatable: true }),
    });
  }

  /**
   * Connects a process to the broker.
   * @throws {NatsUnavailable} if the broker is unreachable for `connectWaitMs`, or refuses the log-in
   */
  static async connect(options: NatsBusOptions): Promise<NatsBus> {
    const limits = checkNatsLimits({ ...defaultNatsLimits, ...options.limits });
    const checked = { ...options, limits, onFailure: contained(options) };
    return new NatsBus(checked, await Connection.open(checked));
  }

  get outage(): Outage | undefined {
    return this.#connection.outage;
  }

  send({ service, partition }: Destination, command: Command, wait: Wait): Promise<Answer | undefined> {
    return this.#commands.send(this.#subjects.place(service, partition), command, wait);
  }

  ask(coordinator: string, question: Question, waitMs: number): Promise<QuestionAnswer | undefined> {
    return this.#questions.send(this.#subjects.questions(coordinator), question, waitMs);
  }

  /**
   * Takes the commands of a service, shared with all other instances that do. Resolves when commands reach this one;
   * until then it retries, and `status` gives the reason. Never rejects.
   */
  serveCommands(service: string, endpoint: Endpoint): Promise<Serving> {
    const { clock, random, storage = memoryStorage } = this.#options;
    const subjects = this.#subjects;
    const shared = this.#sharedServing(service, endpoint);
    const direct = new CoreServing({
      ...shared,
      service,
      subject: subjects.allDirect(service),
      queue: subjects.consumer(service),
    });
    if (this.#options.delivery === "core") return this.#serve(this.#preferred(service, direct, shared));
    this.#served += 1;
    const inbox = subjects.work(this.#processName, this.#served);
    const setup = { service, subjects, storage, limits: this.#options.limits };
    const stream = new StreamServing({ ...shared, setup, inbox, clock, random });
    const streamWait = (): Promise<void> =>
      new Promise((resolve) => void clock.after(this.#options.limits.setupWaitMs, resolve));
    return this.#serve(this.#preferred(service, new ServingBothWays(stream, direct, streamWait), shared));
  }

  /** If this instance has a name, also takes commands addressed to it, and announces it. */
  #preferred(service: string, serving: ReadyServing, shared: SharedServing): ReadyServing {
    const { instance, clock, limits, onFailure } = this.#options;
    if (instance === undefined) return serving;
    const [processName, subjects, connection] = [this.#processName, this.#subjects, this.#connection];
    const subject = subjects.allAtInstance(processName, service);
    const everyMs = limits.presenceEveryMs;
    const announced = { subject: subjects.presence(service), instance, processName, everyMs };
    const presence = new Presence({ ...announced, connection, clock, onFailure });
    return new PreferredServing({ serving, own: new CoreServing({ ...shared, service, subject }), presence });
  }

  /** Answers the questions to a coordinator service (P6), shared with its other instances. Never rejects. */
  serveQuestions(
    coordinator: string,
    answer: (question: Question) => Promise<QuestionAnswer | undefined>,
  ): Promise<Serving> {
    const service = `questions to ${coordinator}`;
    const endpoint = questionEndpoint(answer, (error) => this.#options.onFailure(service, error));
    const shared = this.#sharedServing(service, endpoint);
    const [subject, queue] = [this.#subjects.questions(coordinator), this.#subjects.consumer(coordinator)];
    return this.#serve(new CoreServing({ ...shared, service, subject, queue }));
  }

  /** For a health check: healthy when connected and every service is ready. */
  status(): NatsBusStatus {
    const { server, isConnected: connected } = this.#connection;
    const services = [...this.#servings].map((serving) => serving.status());
    return { connected, ...(server !== undefined && { server }), services, lateReplies: this.#ports.replies.late };
  }

  /** For an orderly stop: sends held commands; from now on nothing is held. */
  drain(): void {
    this.#commands.drain();
  }

  /** Ends the connection; unfinished work stays unanswered. For a clean stop, stop serving first. */
  async close(): Promise<void> {
    for (const serving of this.#servings) void serving.stop();
    await this.#connection.close();
  }

  #sharedServing(service: string, endpoint: Endpoint): SharedServing {
    const { limits, onFailure } = this.#options;
    const failed = (error: unknown): void => onFailure(`handle a message to ${service}`, error);
    const worker = new CommandWorker({ endpoint, limits, onFailure: failed });
    return { connection: this.#connection, worker, onFailure };
  }

  async #serve(serving: ReadyServing): Promise<Serving> {
    this.#servings.add(serving);
    await serving.ready();
    return {
      status: () => serving.status(),
      stop: () => {
        this.#servings.delete(serving);
        return serving.stop();
      },
    };
  }
}

/** An error of an observer must not affect the observed code. */
function contained({ onFailure, schedule }: NatsBusOptions): (work: string, error: unknown) => void {
  return (work, error) => {
    try {
      onFailure?.(work, error);
    } catch (cause) {
      schedule(() => {
        throw cause;
      });
    }
  };
}
