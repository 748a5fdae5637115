// Requests that are refused by their head alone: requests that a page of another site makes a browser send
// (https://fetch.spec.whatwg.org/#http-sec-fetch-site); requests under a host name that is not this machine's, which is
// how such a page evades the first check (DNS rebinding); requests that were meant for another process, whose address
// this one has now; and requests whose path two servers may read differently.
import { ambiguousPath, isAmbiguousPath, Problem } from "@assent/contract";
import type { IncomingMessage } from "node:http";
import { isLoopback } from "./loopback.ts";

const severalHosts = new Problem("malformed_request", "There is more than one Host header. Nothing was changed.");
const noHost = new Problem("malformed_request", "The Host header is no host. Nothing was changed.");
const otherHost = new Problem(
  "misdirected_request",
  "This server listens on this machine alone and answers to localhost, 127.0.0.1 and [::1] only. Nothing was changed.",
);
const otherProcess = new Problem(
  "misdirected_request",
  "This request was sent to another system, whose address this process has now (Assent-System, Assent-Instance). " +
    "Nothing was changed. Try again: the sender notices within a second.",
);
const crossSite = new Problem(
  "cross_site_request",
  "A page of another site sent this (Origin, Sec-Fetch-Site). Nothing was changed.",
);

/** The process that a sender means. Addresses are used again: the process behind one may have been replaced. */
export interface Addressee {
  readonly system?: string | undefined;
  readonly instance?: string | undefined;
}

export interface RequestPolicy {
  /** Whether a request can only come from this machine. */
  readonly onlyLoopback: boolean;
  /** Who this process is. */
  readonly self: Addressee;
}

/** What is wrong with a request, or undefined. */
export function refusalOf(request: IncomingMessage, policy: RequestPolicy): Problem | undefined {
  const target = targetOf(request);
  if (!isMeant(request, policy.self)) return otherProcess;
  if (hostHeaders(request) > 1) return severalHosts;
  if (policy.onlyLoopback && target.host !== undefined && !isLoopback(withoutPort(target.host))) {
    return isHost(target.host) ? otherHost : noHost;
  }
  if (isCrossSite(request, target)) return crossSite;
  return isAmbiguousPath(target.path) ? ambiguousPath : undefined;
}

/** Whether the sender means this process, or does not say which one. */
function isMeant({ headers }: IncomingMessage, { system, instance }: Addressee): boolean {
  const { "assent-system": meantSystem, "assent-instance": meantInstance } = headers;
  if (meantSystem !== undefined && meantSystem !== system) return false;
  return meantInstance === undefined || meantInstance === instance;
}

interface Target {
  readonly host: string | undefined;
  /** Without the query. */
  readonly path: string;
}

/** The host of a target in absolute form counts, not the header (RFC 9112, 3.2.2). */
function targetOf({ url = "", headers }: IncomingMessage): Target {
  const absolute = url.startsWith("/") ? null : /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(url);
  const [host, rest] = absolute === null ? [headers.host, url] : [absolute[1], absolute[2] ?? ""];
  const query = rest.indexOf("?");
  return { host, path: query === -1 ? rest : rest.slice(0, query) };
}

/** Node keeps the first of several. */
function hostHeaders({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}

const withoutPort = (host: string): string => host.replace(/:\d*$/, "");
const isHost = (host: string): boolean => /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d*)?$/i.test(host);

/** Only browsers send these headers, and no page can keep them from doing so. */
function isCrossSite({ headers, method }: IncomingMessage, { host, path }: Target): boolean {
  const { origin } = headers;
  if (origin !== undefined) return origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase();
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return false;
  // A link on another site may lead to a page that is only read.
  const onlyReads = method === "GET" || method === "HEAD";
  return !onlyReads || path.includes("/fault/");
}
