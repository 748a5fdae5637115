/** The checkout system as real processes on this machine. @module */
export * from "./audited-checkout.ts";
export * from "./command-options.ts";
export * from "./first-database.ts";
export * from "./gateway.ts";
export * from "./gateway-config.ts";
export { keptSettings } from "./kept-settings.ts";
export * from "./link.ts";
export * from "./local-topology.ts";
export * from "./serve-somewhere.ts";
export * from "./sentinel-topology.ts";
export { startInstances } from "./service-instances.ts";
export * from "./sentinel-view.ts";
export * from "./served-checkout.ts";
export * from "./topology.ts";
