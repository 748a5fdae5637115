// Takes commands and questions over HTTP, as a handler of the Fetch API that any server can mount.
import { type CommandEndpoint, questionEndpoint, ServedNames } from "../ports/index.ts";
import { defaultLimits, type Question, type QuestionAnswer, UndecodableMessage } from "../protocol/index.ts";
import { boundedBody } from "./bounded-body.ts";
import { type HttpCredentials, type Seal, sealOf, type Subject } from "./seal.ts";

export interface HttpHandlerOptions {
  readonly credentials: HttpCredentials;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Called with what went wrong inside an endpoint; its message is answered with 500. */
export type OnFailure = (work: string, error: unknown) => void;

interface Served {
  readonly endpoint: CommandEndpoint;
  readonly onFailure: OnFailure;
}

/** Messages that are handled at a time; more are answered `overloaded`, and sent again by their coordinators. */
const handledMax = 256;
/** Bodies that are read at a time, of senders that have proved nothing yet. */
const readMax = 1_024;
/** How long a body may take to arrive, milliseconds. */
const readMs = 10_000;

const statusByCode = {
  undecodable_message: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  internal_error: 500,
  overloaded: 503,
} as const;

export class HttpHandler {
  readonly #options: HttpHandlerOptions;
  readonly #seal: Seal;
  readonly #served = new ServedNames<Served>();
  #handled = 0;
  #reading = 0;

  /** @throws {RangeError} for credentials that are too short */
  constructor(options: HttpHandlerOptions) {
    this.#options = options;
    this.#seal = sealOf(options.credentials);
  }

  /** Takes the commands of a service from now on. Returns how to stop. */
  serveCommands(service: string, endpoint: CommandEndpoint, onFailure: OnFailure): () => void {
    return this.#serve({ kind: "commands", name: service }, { endpoint, onFailure });
  }

  /** Answers the questions to a coordinator from now on. Returns how to stop. */
  serveQuestions(
    coordinator: string,
    answer: (question: Question) => Promise<QuestionAnswer | undefined>,
    onFailure: OnFailure,
  ): () => void {
    const failed = (error: unknown): void => onFailure(`answer a question to ${coordinator}`, error);
    const endpoint = questionEndpoint(answer, failed);
    return this.#serve({ kind: "questions", name: coordinator }, { endpoint, onFailure });
  }

  /** Answers a request to `…/commands/SERVICE` or `…/questions/COORDINATOR`, wherever it is mounted. Never rejects. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const subject = subjectOf(new URL(request.url).pathname);
    const served = subject === undefined ? undefined : this.#served.get(keyOf(subject));
    if (subject === undefined || served === undefined) return problem("not_found", "nothing is served here");
    if (request.method !== "POST") return problem("method_not_allowed", "messages are sent by POST");
    try {
      return await this.#answer(request, subject, served.endpoint);
    } catch (error) {
      if (error instanceof UndecodableMessage) return problem(error.code, error.message);
      served.onFailure(`handle ${subject.kind} to ${subject.name}`, error);
      return problem("internal_error", "the message was not handled completely; send it again");
    }
  };

  async #answer(request: Request, subject: Subject, endpoint: CommandEndpoint): Promise<Response> {
    const sealed = { headers: request.headers, now: this.#options.now() };
    // Before the body is read: a sender that proves nothing costs nothing.
    if (!(await this.#seal.mayBeRequest(sealed))) return unauthorized();
    const message = await this.#read(request);
    if (message instanceof Response) return message;
    if (!(await this.#seal.isRequest(subject, message, sealed))) return unauthorized();
    if (this.#handled >= handledMax) return problem("overloaded", `${handledMax} messages are handled already`);
    this.#handled += 1;
    try {
      const reply = await endpoint(message);
      if (reply === undefined) return problem("undecodable_message", "the body is not a message of this protocol");
      const headers = { "content-type": "application/json", ...(await this.#seal.reply(request.headers, reply)) };
      return new Response(Uint8Array.from(reply), { headers });
    } finally {
      this.#handled -= 1;
    }
  }

  /** The body, or the answer to a request whose body cannot be had. */
  async #read(request: Request): Promise<Uint8Array | Response> {
    if (this.#reading >= readMax) return problem("overloaded", `${readMax} bodies are read already`);
    this.#reading += 1;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), readMs);
    try {
      const bytesMax = defaultLimits.messageBytesMax;
      const message = await boundedBody(request.body, bytesMax, late.signal);
      return message ?? problem("body_too_large", `${bytesMax} bytes are the most that is taken`);
    } catch (error) {
      if (!late.signal.aborted) throw error;
      return problem("request_timeout", `the body did not arrive within ${readMs} ms`);
    } finally {
      clearTimeout(timer);
      this.#reading -= 1;
    }
  }

  #serve(subject: Subject, served: Served): () => void {
    if (/^\.\.?$/.test(subject.name)) throw new RangeError(`${subject.name} is no name for a path: choose another`);
    return this.#served.add(keyOf(subject), served);
  }
}

const unauthorized = (): Response => problem("unauthorized", "the token or the signature is missing, old or not valid");
const keyOf = ({ kind, name }: Subject): string => `${kind}/${name}`;

function subjectOf(path: string): Subject | undefined {
  const [, kind, encoded = ""] = /\/(commands|questions)\/([^/]+)$/.exec(path) ?? [];
  if (kind === undefined) return undefined;
  try {
    return { kind: kind as Subject["kind"], name: decodeURIComponent(encoded) };
  } catch {
    // A broken escape names nothing.
    return undefined;
  }
}

/** Nothing was changed, except where the code is `internal_error`. */
function problem(code: keyof typeof statusByCode, error: string): Response {
  return Response.json({ error, code }, { status: statusByCode[code] });
}
