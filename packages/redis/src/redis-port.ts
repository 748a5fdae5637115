// What is asked of a client library, and nothing more: one connection, commands in order, no retries.

export type RedisCommand = readonly string[];
export type RedisReply = string | number | null | RedisErrorReply | readonly RedisReply[];

/** The server refused a command. `code` is the first word of what it said, such as `OOM`. */
export class RedisErrorReply extends Error {
  readonly code: string;

  constructor(message: string) {
    super(message);
    this.name = "RedisErrorReply";
    this.code = /^[A-Z]+/.exec(message)?.[0] ?? "ERR";
  }
}

/** The items of a reply that is a list; none of any other. */
export function itemsOf(reply: RedisReply | undefined): readonly RedisReply[] {
  // Array.isArray does not narrow to a read-only list.
  return Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
}

/** A connection ended before every reply was there. What the commands did is not known, unless none was sent. */
export class RepliesLost extends Error {
  readonly code = "replies_lost";
  readonly sent: boolean;

  constructor(sent: boolean, options: ErrorOptions) {
    super(sent ? "the connection ended before the replies came" : "there was no connection; nothing was sent", options);
    this.name = "RepliesLost";
    this.sent = sent;
  }
}

/**
 * - `settled`: all say that it is the master, and that nobody else is about to be.
 * - `unsettled`: it is the master, but one finds it dead, or is still busy with a promotion.
 * - `moved`: one of them names another.
 */
export type Mastership = "settled" | "unsettled" | "moved";

/** One connection. Once it has ended it stays so: whoever wants another opens another. */
export interface RedisPort {
  readonly isClosed: boolean;
  /**
   * Sends commands together; resolves with a reply to each, in order. An error reply is a reply. Calls may overlap:
   * their commands are carried out, and their replies come, in the order of the calls.
   * @throws {RepliesLost}
   */
  send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]>;
  /**
   * What those who could promote another server say of this one, after they were asked. Left out where there is nobody
   * to ask. Rejects when one of them does not answer.
   */
  readonly mastership?: () => Promise<Mastership>;
  /** Ends the connection; calls that wait for replies reject. */
  close(): void;
}

/** Opens a connection. Rejects when that fails. */
export type RedisConnect = () => Promise<RedisPort>;
