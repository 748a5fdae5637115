// Fault injection in the embedded topology: the order service is this process, the participants are its threads.
import type { ReportError, ServiceApp } from "@assent/contract";
import {
  coordinatorPoints,
  faultApp,
  faultControl,
  type FaultRules,
  participantPoints,
  performFaultRequest,
} from "@assent/faults";
import { faultChannel } from "./store-threads.ts";

interface Thread {
  send(channel: string, message: Uint8Array): Promise<Uint8Array | undefined>;
}

/** The fault routes of each service. */
export function embeddedFaults(
  { stock, payment }: { readonly stock: Thread; readonly payment: Thread },
  coordinator: FaultRules,
  report: ReportError,
): readonly ServiceApp[] {
  const order = faultControl(coordinatorPoints, async (request) => [
    performFaultRequest(coordinator, "order", request),
  ]);
  const ofThread = (thread: Thread) =>
    faultControl(participantPoints, async (request) => {
      const answer = await thread.send(faultChannel, request);
      return answer === undefined ? [] : [answer];
    });
  const apps = [
    faultApp("orders", order, report),
    faultApp("stock", ofThread(stock), report),
    faultApp("payment", ofThread(payment), report),
  ];
  return apps;
}
