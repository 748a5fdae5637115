// How one process of a topology reaches another. Tests that cut connections insert a proxy here.

/**
 * The port of the loopback address by which `from` reaches `to`, whose own port is given. Processes are named as in the
 * topology; databases and sentinels among each other are named by their kind: "redis", "sentinel".
 */
export type Link = (from: string, to: string, port: number) => Promise<number>;

/** A direct connection. */
export const directLink: Link = (_from, _to, port) => Promise.resolve(port);
