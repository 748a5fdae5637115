/** Commands over NATS JetStream or core NATS, replies on one subject per process. @module */
export {};
