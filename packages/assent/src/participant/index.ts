/** The participant: takes commands, applies each once, and asks about what it waits for. @module */
export * from "./apply-command.ts";
export * from "./branch-handler.ts";
export * from "./handler-result.ts";
export * from "./participant.ts";
