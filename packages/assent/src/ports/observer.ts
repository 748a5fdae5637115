// The observations of the library. Observing never changes anything.
import type { AlarmCode, Decision, ParkNote, Protocol, Verb } from "../protocol/index.ts";
import type { BreakerState } from "../protocol/breaker.ts";

export type Observation =
  | { readonly type: "TransactionBegun"; readonly txId: string; readonly protocol: Protocol }
  | {
      readonly type: "TransactionDecided";
      readonly txId: string;
      readonly protocol: Protocol;
      readonly decision: Decision;
      readonly reason?: string;
      readonly durationMs: number;
    }
  | { readonly type: "TransactionEnded"; readonly txId: string }
  | { readonly type: "TransactionParked"; readonly txId: string; readonly note: ParkNote }
  /** This many outcomes stay in the log beyond their time (P7), because branches have not acknowledged `forget`. */
  | { readonly type: "RemovalPostponed"; readonly reason: string; readonly transactions: number }
  | { readonly type: "TransactionTakenOver"; readonly txId: string; readonly from: string }
  | {
      readonly type: "AlarmRaised";
      readonly txId: string;
      readonly code: AlarmCode;
      readonly branchId: string;
      readonly detail: string;
    }
  | { readonly type: "ProtocolSwitched"; readonly to: Protocol; readonly abortRate: number }
  | { readonly type: "BreakerChanged"; readonly service: string; readonly to: BreakerState["kind"] }
  | { readonly type: "TransactionRefused"; readonly code: string }
  /** This process sweeps the log for all from now on, or does not any more. `counter`: of its term. */
  | { readonly type: "LeadershipChanged"; readonly leads: boolean; readonly counter?: number }
  /** A handler threw, or returned what no handler may return; nothing of its step was kept. A bug of its service. */
  | {
      readonly type: "HandlerFailed";
      readonly txId: string;
      readonly branchId: string;
      readonly verb: Verb;
      readonly error: Error;
    }
  | { readonly type: "BackgroundWorkFailed"; readonly work: string; readonly error: unknown };

export interface Observer {
  observe(observation: Observation): void;
}

/** For those who do not want to know. */
export const silentObserver: Observer = { observe: () => undefined };
