// One question to a server over a raw socket, for servers whose client libraries belong to other packages.
import { connect } from "node:net";
import { loopback } from "./free-port.ts";

export interface Conversation {
  /** Port of the loopback address. */
  readonly port: number;
  /** Sent once connected. */
  readonly text: string;
  /** Whether all that was received so far is the whole answer. */
  readonly isComplete: (received: string) => boolean;
  readonly waitMs: number;
}

/** What the server answered; undefined when it did not, not completely, or not within `waitMs`. Never rejects. */
export function converse({ port, text, isComplete, waitMs }: Conversation): Promise<string | undefined> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ port, host: loopback });
    const end = (answer: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const look = (): void => {
      if (isComplete(received)) end(received);
    };
    const timer = setTimeout(() => end(undefined), waitMs);
    socket.setEncoding("utf8");
    socket.once("connect", () => {
      socket.write(text);
      look();
    });
    socket.on("data", (chunk: string) => {
      received += chunk;
      look();
    });
    socket.once("error", () => end(undefined));
    socket.once("close", () => end(undefined));
  });
}
