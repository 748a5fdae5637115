// How messages over HTTP prove that they come from this system. A bearer token proves the sender to the receiver, where
// the connection itself is secret (TLS). A signature covers the message and its answer, and never sends the secret.

/** One of the two, the same at both ends. */
export type HttpCredentials =
  | { readonly bearer: string }
  /** Key of the signatures (HMAC with SHA-256). */
  | { readonly secret: string };

/** What a message is about: the kind of its items, and the service or coordinator that it is for. */
export interface Subject {
  readonly kind: "commands" | "questions";
  readonly name: string;
}

export interface Seal {
  /** Headers of a request. */
  request(subject: Subject, body: Uint8Array, now: number): Promise<Readonly<Record<string, string>>>;
  /** Whether the headers alone leave it possible: asked before the body is read. */
  mayBeRequest(sealed: Sealed): Promise<boolean>;
  isRequest(subject: Subject, body: Uint8Array, sealed: Sealed): Promise<boolean>;
  /** Headers of the reply to a request with these headers. */
  reply(request: Headers, body: Uint8Array): Promise<Readonly<Record<string, string>>>;
  isReply(request: Headers, body: Uint8Array, reply: Headers): Promise<boolean>;
}

/** The headers of a request, and the time at which it came. */
export interface Sealed {
  readonly headers: Headers;
  readonly now: number;
}

export const signatureHeader = "assent-signature";
/** How old a signed message may be, and how far apart the clocks of two machines, milliseconds. */
export const signatureAgeMaxMs = 300_000;
/** Characters of the shortest token or secret: 128 bits in hexadecimal digits. */
export const secretLengthMin = 32;

const encoder = new TextEncoder();

/** @throws {RangeError} for a token or secret of fewer than 32 characters */
export function sealOf(credentials: HttpCredentials): Seal {
  const secret = "bearer" in credentials ? credentials.bearer : credentials.secret;
  if (typeof secret !== "string" || secret.length < secretLengthMin) {
    throw new RangeError(
      `a token or secret has at least ${secretLengthMin} characters: make one by openssl rand -hex 16`,
    );
  }
  return "bearer" in credentials ? bearerSeal(secret) : signatureSeal(secret);
}

function bearerSeal(token: string): Seal {
  const expected = digest(`Bearer ${token}`);
  // Digests have equal lengths, and comparing them reveals nothing about the token.
  const isBearer = async ({ headers }: Sealed): Promise<boolean> =>
    (await digest(headers.get("authorization") ?? "")) === (await expected);
  return {
    request: async () => ({ authorization: `Bearer ${token}` }),
    mayBeRequest: isBearer,
    isRequest: (_subject, _body, sealed) => isBearer(sealed),
    reply: async () => ({}),
    isReply: async () => true,
  };
}

function signatureSeal(secret: string): Seal {
  const key = crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
    "verify",
  ]);
  const signed = async (text: string, body: Uint8Array): Promise<string> =>
    hexOf(await crypto.subtle.sign("HMAC", await key, joined(text, body)));
  const isSigned = async (signature: string, text: string, body: Uint8Array): Promise<boolean> => {
    const bytes = bytesOf(signature);
    return bytes !== undefined && crypto.subtle.verify("HMAC", await key, bytes, joined(text, body));
  };
  return {
    async request(subject, body, now) {
      return { [signatureHeader]: `t=${now},s=${await signed(requestText(subject, now), body)}` };
    },
    mayBeRequest: async (sealed) => signatureOf(sealed) !== undefined,
    async isRequest(subject, body, sealed) {
      const found = signatureOf(sealed);
      return found !== undefined && isSigned(found.signature, requestText(subject, found.time), body);
    },
    // A reply is bound to its request: the reply to another request proves nothing.
    async reply(request, body) {
      return { [signatureHeader]: `s=${await signed(replyText(request), body)}` };
    },
    async isReply(request, body, reply) {
      const signature = /^s=([0-9a-f]{64})$/.exec(reply.get(signatureHeader) ?? "")?.[1];
      return signature !== undefined && isSigned(signature, replyText(request), body);
    },
  };
}

/** The signature of a request, if it has one that is not too old. */
function signatureOf({ headers, now }: Sealed): { readonly time: number; readonly signature: string } | undefined {
  const [, time = "", signature] = /^t=(\d{1,15}),s=([0-9a-f]{64})$/.exec(headers.get(signatureHeader) ?? "") ?? [];
  if (signature === undefined || Math.abs(now - Number(time)) > signatureAgeMaxMs) return undefined;
  return { time: Number(time), signature };
}

const requestText = ({ kind, name }: Subject, time: number): string => `request\n${time}\n${kind}\n${name}\n`;
const replyText = (request: Headers): string => `reply\n${request.get(signatureHeader) ?? ""}\n`;

function joined(text: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(text);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

async function digest(text: string): Promise<string> {
  return hexOf(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}

function hexOf(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> | undefined {
  const pairs = hex.match(/../g);
  return pairs === null ? undefined : Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
