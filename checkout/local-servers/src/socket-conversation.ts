// One request to a server over a raw socket, for servers whose client libraries belong to other packages.
import { connect } from "node:net";
import { loopback } from "./free-port.ts";

export interface Conversation {
  /** Port of the loopback address. */
  readonly port: number;
  /** Sent once connected. */
  readonly text: string;
  /** Whether the data received so far is the whole response. */
  readonly isComplete: (received: string) => boolean;
  readonly waitMs: number;
}

/** The server's response; undefined if it was missing or incomplete within `waitMs`. Never rejects. */
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
