// The configuration of HAProxy in front of the services. It routes by the first part of the path and rewrites nothing;
// its own responses have the format of our refusals, and are never a 5xx. If a service hangs up, and the client's
// connection has carried a request before, HAProxy closes that connection without an answer, by design
// (https://github.com/haproxy/haproxy/issues/2375): for a client this is the same as a broken connection.
import { ambiguousInPath, ambiguousPath, dotSegment, Problem } from "@assent/contract";
import { STATUS_CODES } from "node:http";
import { healthPath } from "./instance-health.ts";

export interface GatewayTargets {
  /** Ports on this machine of the instances of each service. */
  readonly order: readonly number[];
  readonly stock: readonly number[];
  readonly payment: readonly number[];
}

export interface GatewayOptions extends GatewayTargets {
  readonly host: string;
  readonly port: number;
  /** The system that the instances belong to: an instance of another system that has their port refuses requests. */
  readonly system: string;
  /** Unique to this gateway; `/health` returns it in the header `Assent-Gateway`. */
  readonly id: string;
  /** The folder of `errorFiles`. */
  readonly folder: string;
}

export interface GatewayFiles {
  readonly config: string;
  /** By name: complete HTTP responses, which HAProxy sends unchanged. */
  readonly errorFiles: Readonly<Record<string, string>>;
}

/** Concurrent requests per instance; more wait in the gateway, for at most `queueMs`. */
const perServerMax = { order: 2_000, stock: 1_000, payment: 1_000 } as const;
/** Two files each: within the common limit of 20,000 open files per process. */
const connectionsMax = 8_192;
const queueMs = 5_000;
const connectMs = 500;
/** Longer than the request wait of a checkout (15 s). */
const answerMs = 20_000;
const idleMs = 30_000;
/** An instance is removed after two failed checks, and added again after one successful check. */
const checkEveryMs = 500;
/** Further servers on which a checkout is retried: its order makes it idempotent. Nothing else is sent twice. */
const checkoutRetries = 2;

/** Statuses that HAProxy itself sends. */
const ownStatuses = [400, 408, 413, 500, 502, 503, 504] as const;

/** The responses sent instead. A checkout can be repeated; the effect of any other request is unknown. */
const ownAnswers = {
  checkout: new Problem(
    "checkout_pending",
    "The outcome of this checkout is not known yet. Repeat the request: it will not be charged twice.",
  ),
  other: new Problem(
    "gateway_error",
    "The service did not answer. Unless the request only reads, it is not known what was changed: repeat it with the " +
      "same Idempotency-Key, or read the current state first.",
  ),
} as const;

export function gatewayFiles(options: GatewayOptions): GatewayFiles {
  const { system } = options;
  const errorFiles: Record<string, string> = {};
  const errors = (group: keyof typeof ownAnswers): string => {
    const name = `${group}.http`;
    errorFiles[name] = errorAnswer(ownAnswers[group]);
    const lines = ownStatuses.map((status) => `  errorfile ${status} ${options.folder}/${name}`);
    return [`http-errors ${group}`, ...lines].join("\n");
  };
  const other = ["errorfiles other"];
  // An instance that dies during a checkout leaves its outcome open; another one finds it in the log.
  const checkout = ["errorfiles checkout", "retry-on conn-failure empty-response", `retries ${checkoutRetries}`];
  const sections = [
    head,
    errors("checkout"),
    errors("other"),
    frontend(options),
    backend({ name: "checkout", service: "order", ports: options.order, lines: checkout, system, like: "orders" }),
    backend({ name: "orders", service: "order", ports: options.order, lines: other, system }),
    backend({ name: "stock", service: "stock", ports: options.stock, lines: other, system }),
    backend({ name: "payment", service: "payment", ports: options.payment, lines: other, system }),
  ];
  return { config: `${sections.join("\n\n")}\n`, errorFiles };
}

const head = `global
  maxconn ${connectionsMax}
  # Otherwise two gateways could share a port, and each would get some of the requests.
  noreuseport
  # A stop lets what is in flight end.
  hard-stop-after ${answerMs}ms

defaults
  mode http
  balance leastconn
  option http-keep-alive
  http-reuse safe
  # Only a connection that was never made is tried again, unless a backend says more.
  retry-on conn-failure
  retries 1
  option redispatch 1
  timeout connect ${connectMs}ms
  timeout client ${idleMs}ms
  timeout http-request ${idleMs}ms
  timeout http-keep-alive ${idleMs}ms
  timeout server ${answerMs}ms
  timeout queue ${queueMs}ms
  timeout check ${2 * checkEveryMs}ms
  default-server inter ${checkEveryMs}ms fastinter ${checkEveryMs / 2}ms fall 2 rise 1`;

function frontend({ host, port, system, id }: GatewayOptions): string {
  const answer = (status: number, body: object): string =>
    `http-request return status ${status} content-type application/json string '${JSON.stringify(body)}'`;
  const refuse = ({ status, body }: Problem): string => answer(status, body);
  const nobody = new Problem("service_unavailable", "A service has no healthy instance.");
  const nothing = new Problem("not_found", "Not Found");
  return [
    "frontend checkout_system",
    `bind ${host}:${port}`,
    "errorfiles other",
    "acl is_health path /health",
    "acl lacks_one nbsrv(orders) eq 0",
    "acl lacks_one nbsrv(stock) eq 0",
    "acl lacks_one nbsrv(payment) eq 0",
    `acl is_ambiguous path_reg -- '${dotSegment.source.replaceAll("\\/", "/")}'`,
    ...ambiguousInPath.map((part) => `acl is_ambiguous path_sub -i -- '${part}'`),
    `${refuse(ambiguousPath)} if is_ambiguous`,
    `${refuse(nobody)} hdr Assent-Gateway ${id} if is_health lacks_one`,
    `${answer(200, { status: "healthy" })} hdr Assent-Gateway ${id} if is_health`,
    "http-request del-header Assent-Instance",
    `http-request set-header Assent-System ${system}`,
    `${refuse(nothing)} unless { path_beg /orders/ /stock/ /payment/ }`,
    "use_backend checkout if { path,url_dec -m beg /orders/checkout/ }",
    "use_backend orders if { path_beg /orders/ }",
    "use_backend stock if { path_beg /stock/ }",
    "default_backend payment",
  ].join("\n  ");
}

interface Backend {
  readonly name: string;
  readonly service: keyof GatewayTargets;
  readonly ports: readonly number[];
  readonly lines: readonly string[];
  readonly system: string;
  /** Another backend with the same servers, whose checks also count here. */
  readonly like?: string;
}

function backend({ name, service, ports, lines, system, like }: Backend): string {
  const servers = ports.map((port, index) => {
    const server = `${service}-${index}`;
    const check = like === undefined ? "check" : `track ${like}/${server}`;
    return `server ${server} 127.0.0.1:${port} ${check} maxconn ${perServerMax[service]}`;
  });
  // An instance that refuses writes still answers reads, and answers a write with the reason.
  const expected = 'http-check expect rstring ("healthy"|"writes_refused")';
  const asked = `http-check send meth GET uri ${healthPath[service]} hdr Assent-System ${system}`;
  const checks = like === undefined ? ["option httpchk", asked, expected] : [];
  return [`backend ${name}`, ...lines, ...checks, ...servers].join("\n  ");
}

/**
 * A complete HTTP response in place of any of the statuses, including those that blame the client. A service gets a
 * request as soon as its head is read, and may be working on it when the rest turns out to be broken.
 */
function errorAnswer(problem: Problem): string {
  const body = JSON.stringify(problem.body);
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    ...(problem.status === 409 ? ["Retry-After: 1"] : []),
    "Cache-Control: no-cache",
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
