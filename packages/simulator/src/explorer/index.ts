/** Exhaustive exploration of small worlds. @module */
export {};
