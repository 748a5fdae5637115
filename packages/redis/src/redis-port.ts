// The interface to a client library: one connection, commands in order, no retries.

export type RedisCommand = readonly string[];
export type RedisReply = string | number | null | RedisErrorReply | readonly RedisReply[];

/** The server refused a command. `code` is the first word of its message, such as `OOM`. */
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

/** A connection ended before all replies. The effect of the commands is unknown, unless none was sent. */
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
 * - `settled`: all say that it is the master, and that no promotion is in progress.
 * - `unsettled`: it is the master, but one sentinel considers it dead, or is still busy with a promotion.
 * - `moved`: one of them names another.
 */
export type Mastership = "settled" | "unsettled" | "moved";

/** One connection. Once it has ended, it stays closed; open another one to continue. */
export interface RedisPort {
  readonly isClosed: boolean;
  /**
   * Sends commands together; resolves with a reply to each, in order. An error reply is a reply. Calls may overlap:
   * their commands are carried out, and their replies come, in the order of the calls.
   * @throws {RepliesLost}
   */
  send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]>;
  /**
   * The sentinels' view of this server, asked afterwards. Absent if there are no sentinels. Rejects if one of them does
   * not answer.
   */
  readonly mastership?: () => Promise<Mastership>;
  /** Ends the connection; calls that wait for replies reject. */
  close(): void;
}

/** Opens a connection. Rejects when that fails. */
export type RedisConnect = () => Promise<RedisPort>;
