// The stream that stores a service's commands, and the consumer that its instances share: created if missing, otherwise
// updated to the configuration.
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/nats-core";
import type { NatsLimits } from "./limits.ts";
import type { Subjects } from "./subjects.ts";

/** Where streams of commands are stored. Memory is enough: lost messages are sent again. */
export interface StreamStorage {
  readonly kind: "memory" | "file";
  /** Copies in a cluster of brokers, 1 to 5. */
  readonly replicas: number;
}

export interface StreamSetup {
  readonly service: string;
  readonly subjects: Subjects;
  readonly storage: StreamStorage;
  readonly limits: NatsLimits;
}

/** Error codes of the broker: a stream, or a consumer, of this name exists with another configuration. */
const differing: ReadonlySet<number> = new Set([10_058, 10_012, 10_148, 10_013]);

/** Creates both if necessary. @throws if the broker does not confirm within `setupWaitMs`, or refuses */
export async function ensureStream(nats: NatsConnection, setup: StreamSetup): Promise<void> {
  const { service, subjects, limits } = setup;
  const manager = await jetstreamManager(nats, { checkAPI: false, timeout: limits.setupWaitMs });
  const [stream, consumer] = [subjects.stream(service), subjects.consumer(service)];
  const { name: _name, retention: _retention, storage: _storage, ...changeable } = streamConfig(setup);
  await addOr(
    () => manager.streams.add({ ...streamConfig(setup), name: stream }),
    () => manager.streams.update(stream, changeable),
  );
  const { ack_wait, max_deliver, max_ack_pending } = consumerConfig(setup);
  await addOr(
    () => manager.consumers.add(stream, consumerConfig(setup)),
    () => manager.consumers.update(stream, consumer, { ack_wait, max_deliver, max_ack_pending }),
  );
}

function streamConfig({ service, subjects, storage, limits }: StreamSetup): Partial<StreamConfig> {
  return {
    name: subjects.stream(service),
    subjects: [subjects.allCommands(service)],
    retention: RetentionPolicy.Workqueue,
    storage: storage.kind === "file" ? StorageType.File : StorageType.Memory,
    num_replicas: storage.replicas,
    max_bytes: limits.streamBytesMax,
    max_age: nanos(limits.streamAgeMaxMs),
    duplicate_window: nanos(limits.duplicateWindowMs),
    // The oldest messages have been given up by their senders.
    discard: DiscardPolicy.Old,
  };
}

function consumerConfig({ service, subjects, limits }: StreamSetup) {
  return {
    durable_name: subjects.consumer(service),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(limits.handlingMs),
    max_deliver: limits.deliveriesMax,
    max_ack_pending: limits.unacknowledgedMax,
  } satisfies Partial<ConsumerConfig>;
}

async function addOr(add: () => Promise<unknown>, update: () => Promise<unknown>): Promise<void> {
  try {
    await add();
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || !differing.has(error.code)) throw error;
    await update();
  }
}
