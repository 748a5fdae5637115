// The announcement of an instance of a service, as JSON. Every message is checked before it is used as one (M3).
import { isJsonObject } from "assent/internal/protocol";

export interface Announcement {
  /** Such as "stock-0". The lowest name present is preferred; need not be unique. */
  readonly instance: string;
  /** Unique name of its process on the bus. */
  readonly processName: string;
  /** The instance takes no more commands. */
  readonly isLeaving: boolean;
}

export function encodeAnnouncement({ instance, processName, isLeaving }: Announcement): string {
  return JSON.stringify({ instance, process: processName, leaving: isLeaving });
}

/** Undefined when the message is not an announcement. */
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
