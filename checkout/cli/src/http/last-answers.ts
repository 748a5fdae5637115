// The end of a server: the answers that are still owed.
import type { ServiceServer } from "./service-server.ts";

/** How long a stop waits for the answers that are still owed. */
const lastAnswersWaitMs = 5_000;
/** From then on, what would take longer is ended, and answered with how far it came. */
const hurryAfterMs = 2_500;

export async function giveLastAnswers(server: ServiceServer, hurry: () => void): Promise<void> {
  const timer = setTimeout(hurry, hurryAfterMs);
  try {
    await server.close(lastAnswersWaitMs);
  } finally {
    clearTimeout(timer);
  }
}
