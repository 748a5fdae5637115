// The thread of stock.db or payment.db: accounts, branches, and the participant itself, so that a command is decoded
// where it is applied.
import { FaultyBranchStore, participantPoints, performFaultRequest } from "@assent/faults";
import { Participant } from "assent/internal/participant";
import { type QuestionTransport } from "assent/internal/ports";
import { paymentOperations } from "@assent/payment";
import { decoded, decodeQuestionAnswers, encodeQuestions } from "assent/internal/protocol";
import { stockOperations } from "@assent/stock";
import { keyedBranchStore, OnceSweeper } from "assent/internal/engine";
import { hostStore, type PortCalls } from "@assent/sqlite";
import { systemClock, systemRandom } from "assent/node";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { faultRules } from "../fault-settings.ts";
import { commandChannel, faultChannel, questionChannel } from "./store-threads.ts";
import type { ParticipantThreadData } from "./store-threads.ts";

if (parentPort !== null) serve(parentPort);

function serve(parent: MessagePort): void {
  const { path, limits, service, faults } = workerData as ParticipantThreadData;
  const operations = service === "stock" ? stockOperations(limits) : paymentOperations(limits);
  const rules = faults === undefined ? undefined : faultRules(participantPoints, faults);

  const { executor, calls } = hostStore({
    port: parent,
    path,
    operations,
    channels: () => ({
      [commandChannel]: (message) => participant.handle(message as Uint8Array),
      ...(rules !== undefined && {
        [faultChannel]: async (message) => performFaultRequest(rules, service, message as Uint8Array),
      }),
    }),
  });
  const branches = keyedBranchStore(executor);

  const participant = new Participant({
    store: rules === undefined ? branches : new FaultyBranchStore(branches, rules),
    questions: questionsOver(calls),
    // To the standard error of the process: alarms, and what went wrong in the background.
    observer: { observe: (observation) => console.error(`assent: ${service}:`, observation) },
    clock: systemClock,
    random: systemRandom,
    limits,
  });
  participant.start();
  const report = (error: unknown): void => console.error(`assent: ${service}: sweep:`, error);
  new OnceSweeper({ executor, clock: systemClock, report }).start();
}

/** The coordinator is in the process that started this thread. */
function questionsOver(port: PortCalls): QuestionTransport {
  return {
    async ask(_coordinator, question) {
      const answer = await port.call(questionChannel, encodeQuestions([question]));
      return answer instanceof Uint8Array ? decoded(decodeQuestionAnswers(answer)[0]) : undefined;
    },
  };
}
