// Requests that are refused by their head alone: requests that a page of another site makes a browser send
// (https://fetch.spec.whatwg.org/#http-sec-fetch-site); requests with a foreign host name, by which such a page evades
// the first check (DNS rebinding); requests for another process that had this address before; and requests whose path
// two servers may interpret differently.
import { ambiguousPath, isAmbiguousPath, Problem } from "@assent/contract";
import type { IncomingMessage } from "node:http";
import { isLoopback } from "./loopback.ts";

const severalHosts = new Problem("malformed_request", "There is more than one Host header. Nothing was changed.");
const noHost = new Problem("malformed_request", "The Host header is not a valid host. Nothing was changed.");
const otherHost = new Problem(
  "misdirected_request",
  "This server only accepts the host names localhost, 127.0.0.1 and [::1]. Nothing was changed.",
);
const otherProcess = new Problem(
  "misdirected_request",
  "This request is for another system, whose address this process now has (Assent-System, Assent-Instance). " +
    "Nothing was changed. Try again: the sender notices within a second.",
);
const crossSite = new Problem(
  "cross_site_request",
  "A page of another site sent this (Origin, Sec-Fetch-Site). Nothing was changed.",
);

/** The process that a sender addresses. Addresses are reused: the process behind one may have been replaced. */
export interface Addressee {
  readonly system?: string | undefined;
  readonly instance?: string | undefined;
}

export interface RequestPolicy {
  /** Whether requests can only come from this machine. */
  readonly onlyLoopback: boolean;
  /** The names of this process. */
  readonly self: Addressee;
}

/** The problem with a request, or undefined. */
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

/** Whether the sender addresses this process, or names none. */
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

/** The host of a target in absolute form takes precedence over the header (RFC 9112, 3.2.2). */
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

/** Only browsers send these headers, and a page cannot suppress them. */
function isCrossSite({ headers, method }: IncomingMessage, { host, path }: Target): boolean {
  const { origin } = headers;
  if (origin !== undefined) return origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase();
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return false;
  // A link on another site may lead to a page that only reads.
  const onlyReads = method === "GET" || method === "HEAD";
  return !onlyReads || path.includes("/fault/");
}
