// The file of conversations: a line about all of them, then one conversation on each line, in JSON.
import { fileURLToPath } from "node:url";
import { conversations } from "./conversations.ts";

export const conversationsFile: string = fileURLToPath(new URL("../../wire/conversations.jsonl", import.meta.url));

export function conversationsText(): string {
  const { conversations: all, ...about } = conversations();
  return [about, ...all].map((line) => `${JSON.stringify(line)}\n`).join("");
}
