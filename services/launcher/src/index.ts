/** The checkout system as real processes on this machine. @module */
export * from "./served-checkout.ts";
