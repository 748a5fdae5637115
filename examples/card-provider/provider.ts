// A stand-in for a provider of card payments: a real HTTP server over a network that loses requests and replies. Like
// real ones, it does each thing once for an idempotency key, and returns the same for a repeated call.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface Payment {
  readonly card: string;
  readonly amount: number;
  readonly state: "authorized" | "captured" | "voided" | "refunded";
}

/** What happens to a call on its way: its request or its reply is lost, or neither. */
export type Loss = "request" | "reply" | undefined;

const after = { capture: "captured", void: "voided", refund: "refunded" } as const;

export class Provider {
  /** By idempotency key. */
  readonly payments = new Map<string, Payment>();
  /** How often money was moved from or to a card. */
  moves = 0;
  calls = 0;
  loses: (action: string, key: string) => Loss = () => undefined;
  readonly #server = createServer((request, response) => {
    this.#answer(request).then(
      (answer) => {
        if (answer === undefined) request.socket.destroy();
        else response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
      },
      (error: unknown) => response.destroy(error as Error),
    );
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown } | undefined> {
    const [action = "", key = ""] = (request.url ?? "").slice(1).split("/").map(decodeURIComponent);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.calls += 1;
    const loss = this.loses(action, key);
    if (loss === "request") return undefined;
    const answer = this.#act(action, key, Buffer.concat(chunks).toString());
    return loss === "reply" ? undefined : answer;
  }

  #act(action: string, key: string, body: string): { status: number; body: unknown } {
    const found = this.payments.get(key);
    if (action === "payments") return { status: 200, body: Object.fromEntries(this.payments) };
    if (action === "authorize") {
      if (found !== undefined) return { status: 200, body: found };
      const { card, amount } = JSON.parse(body) as Pick<Payment, "card" | "amount">;
      if (card === "declined") return { status: 402, body: { error: "declined" } };
      const payment: Payment = { card, amount, state: "authorized" };
      this.payments.set(key, payment);
      return { status: 200, body: payment };
    }
    if (found === undefined) return { status: 404, body: { error: "unknown" } };
    const state = after[action as keyof typeof after];
    if (found.state === state) return { status: 200, body: found };
    if (found.state !== (action === "refund" ? "captured" : "authorized")) {
      return { status: 409, body: { error: `it is ${found.state}` } };
    }
    if (action !== "void") this.moves += 1;
    const payment = { ...found, state };
    this.payments.set(key, payment);
    return { status: 200, body: payment };
  }
}
