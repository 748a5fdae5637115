/** The participant: takes commands, applies each once, and asks about what it waits for. @module */
export * from "./apply-async-command.ts";
export * from "./apply-command.ts";
export * from "./async-branch-handler.ts";
export * from "./branch-handler.ts";
export * from "./failed-answer.ts";
export * from "./handler-result.ts";
export * from "./participant.ts";
export * from "./service-store.ts";
export * from "./step-handle.ts";
