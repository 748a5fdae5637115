// How one process of a topology reaches another. Tests that cut connections put themselves in between here.

/**
 * The port of the loopback address by which `from` reaches `to`, whose own port is given. Processes are named as in the
 * topology; databases and sentinels among themselves are called by their kind: "redis", "sentinel".
 */
export type Link = (from: string, to: string, port: number) => Promise<number>;

/** Nothing in between. */
export const directLink: Link = (_from, _to, port) => Promise.resolve(port);
