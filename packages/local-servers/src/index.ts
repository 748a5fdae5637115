/** Real servers for tests and local topologies: obtains their binaries, starts and stops them. @module */
export {};
