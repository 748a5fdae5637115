// What an instance of a service says of itself, as JSON. Nothing that arrives is trusted to be one (M3).
import { isJsonObject } from "@assent/protocol";

export interface Announcement {
  /** Such as "stock-0". The lowest of those present is preferred; need not be unique. */
  readonly instance: string;
  /** Of its process on the bus, unlike any other. */
  readonly processName: string;
  /** It takes no more commands. */
  readonly isLeaving: boolean;
}

export function encodeAnnouncement({ instance, processName, isLeaving }: Announcement): string {
  return JSON.stringify({ instance, process: processName, leaving: isLeaving });
}

/** Undefined where the message is none. */
export function decodeAnnouncement(message: Uint8Array): Announcement | undefined {
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder().decode(message));
  } catch {
    return undefined;
  }
  if (!isJsonObject(read)) return undefined;
  const { instance, process: processName, leaving: isLeaving } = read;
  if (typeof instance !== "string" || typeof processName !== "string" || typeof isLeaving !== "boolean") {
    return undefined;
  }
  return { instance, processName, isLeaving };
}
