/** The key-value engine in one SQLite file (durability D1), and a thread around it. @module */
export { DamagedJournal } from "./journal.ts";
export * from "./port-calls.ts";
export * from "./sqlite-engine.ts";
export * from "./store-client.ts";
export * from "./store-copy.ts";
export * from "./store-host.ts";
export { sqlite } from "./stores/sqlite.ts";
export { sqliteLog } from "./stores/sqlite-log.ts";
export { UnsuitableFile } from "./stores/unsuitable-file.ts";
