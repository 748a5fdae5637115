// The end of a server: sends the pending answers.
import type { ServiceServer } from "./service-server.ts";

/** How long a stop waits for pending answers. */
const lastAnswersWaitMs = 5_000;
/** After this time, longer work is interrupted and answered with its progress. */
const hurryAfterMs = 2_500;

export async function giveLastAnswers(server: ServiceServer, hurry: () => void): Promise<void> {
  const timer = setTimeout(hurry, hurryAfterMs);
  try {
    await server.close(lastAnswersWaitMs);
  } finally {
    clearTimeout(timer);
  }
}
