// What an orchestrator is made of.
import type { Limits, Protocol } from "../protocol/index.ts";
import type { BreakerLimits } from "../protocol/breaker.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { AnyTransaction } from "./definition.ts";
import type { Leadership } from "./leadership.ts";
import type { Ownership } from "./ownership.ts";
import type { Clock } from "../ports/clock.ts";
import type { Observer } from "../ports/observer.ts";
import type { Random } from "../ports/random.ts";
import type { TransactionLog } from "../ports/transaction-log.ts";
import type { Transport } from "../ports/transport.ts";
import type { ProtocolPolicy } from "./selector.ts";

export interface OrchestratorOptions {
  /** The service this orchestrator is part of; branches address their questions to it. */
  readonly service: string;
  /** This process: an instance name plus a nonce of this start, so that a restarted process is another owner (R1). */
  readonly owner: string;
  readonly definitions: readonly AnyTransaction[];
  readonly log: TransactionLog;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: Observer;
  readonly limits?: Limits;
  readonly protocol?: Protocol | "auto" | ProtocolPolicy;
  readonly admission?: AdmissionLimits;
  readonly breaker?: BreakerLimits;
  /** Left out, this process is alone by construction (it holds an exclusive lock on the log). */
  readonly ownership?: Ownership;
  /** Decides which process sweeps a shared log. Default: this process sweeps, whether or not others do (R7). */
  readonly leadership?: Leadership;
  /**
   * False (the default): the log keeps every write it acknowledged. Then an owner lets silence decide at the deadline,
   * and what the others hold is free at once. True, for a log that may fail over to a lagging replica and lose up to
   * `lossWindowMs` of its newest writes (docs/adr/0008): silence never decides, the owner asks until the branch
   * answers; and a branch forgets a success only when its end is older than that window.
   */
  readonly logMayLoseTail?: boolean;
}
