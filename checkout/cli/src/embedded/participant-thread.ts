// The thread of stock.db or payment.db: accounts, branches and the participant itself, so that commands are decoded
// where they are applied.
import { Participant } from "assent/internal/participant";
import { type QuestionTransport } from "assent/internal/ports";
import { paymentOperations } from "@assent/payment/store";
import { decoded, decodeQuestionAnswers, encodeQuestions } from "assent/internal/protocol";
import { stockOperations } from "@assent/stock/store";
import { keyedBranchStore, OnceSweeper } from "assent/internal/engine";
import { bytesOf, hostStore, type PortCalls } from "@assent/sqlite";
import { systemClock, systemRandom } from "assent/node";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { ParticipantFaults } from "./participant-faults.ts";
import { commandChannel, faultChannel, questionChannel } from "./store-threads.ts";
import type { ParticipantThreadData } from "./store-threads.ts";

if (parentPort !== null) serve(parentPort, await faultsOf(workerData as ParticipantThreadData));

async function faultsOf({ service, faults }: ParticipantThreadData): Promise<ParticipantFaults | undefined> {
  if (faults === undefined) return undefined;
  const { participantFaults } = await import("./participant-faults.ts");
  return participantFaults(service, faults);
}

function serve(parent: MessagePort, faults: ParticipantFaults | undefined): void {
  // The process that starts this thread passes nothing else.
  const { path, limits, service } = workerData as ParticipantThreadData;
  const operations = service === "stock" ? stockOperations(limits) : paymentOperations(limits);
  const { executor, calls } = hostStore({
    port: parent,
    path,
    operations,
    channels: () => ({
      [commandChannel]: (message) => participant.handle(bytesOf(message)),
      ...(faults !== undefined && {
        [faultChannel]: async (message) => faults.perform(bytesOf(message)),
      }),
    }),
  });
  const branches = keyedBranchStore(executor);

  const participant = new Participant({
    store: faults === undefined ? branches : faults.around(branches),
    questions: questionsOver(calls),
    // Alarms and background errors go to the standard error of the process.
    observer: { observe: (observation) => console.error(`assent: ${service}:`, observation) },
    clock: systemClock,
    random: systemRandom,
    limits,
  });
  participant.start();
  const report = (error: unknown): void => console.error(`assent: ${service}: sweep:`, error);
  new OnceSweeper({ executor, clock: systemClock, report }).start();
}

/** The coordinator runs in the process that started this thread. */
function questionsOver(port: PortCalls): QuestionTransport {
  return {
    async ask(_coordinator, question) {
      const answer = await port.call(questionChannel, encodeQuestions([question]));
      return answer instanceof Uint8Array ? decoded(decodeQuestionAnswers(answer)[0]) : undefined;
    },
  };
}
