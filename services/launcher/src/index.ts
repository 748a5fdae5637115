/** The checkout system as real processes on this machine. @module */
export * from "./gateway.ts";
export * from "./gateway-config.ts";
export * from "./local-topology.ts";
export * from "./serve-somewhere.ts";
export * from "./served-checkout.ts";
