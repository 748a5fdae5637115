// A handler of the Fetch API as a listener of the HTTP server of Node, also as a middleware of Express. Only the shapes
// of objects of Node are used here, so that this file runs wherever they do.

/** The part of Node's `IncomingMessage` that is read. Its body must not have been read before. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the URL before a router cut off where it is mounted. */
  readonly originalUrl?: string | undefined;
  readonly rawHeaders: readonly string[];
}

/** The part of Node's `ServerResponse` that is written. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: Uint8Array): unknown;
  destroy(error?: Error): unknown;
}

export type NodeListener = (request: NodeRequest, response: NodeResponse) => void;

/** Answers each request by the handler; a connection whose request breaks off is destroyed. */
export function nodeListener(fetch: (request: Request) => Promise<Response>): NodeListener {
  return (request, response) => {
    answer(fetch, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  };
}

async function answer(
  fetch: (request: Request) => Promise<Response>,
  incoming: NodeRequest,
  outgoing: NodeResponse,
): Promise<void> {
  const { method = "GET", rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? "", rawHeaders[index + 1] ?? "");
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  // The host plays no part: a message is bound to the service that its path names.
  const url = new URL(incoming.originalUrl ?? incoming.url ?? "/", "http://localhost");
  const body = hasBody ? { body: ReadableStream.from(incoming), duplex: "half" as const } : {};
  const response = await fetch(new Request(url, { method, headers, ...body }));
  const reply = new Uint8Array(await response.arrayBuffer());
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(reply);
}
