/// <reference lib="esnext.disposable" preserve="true" />
// What is open until it is closed. The library names the types of disposal itself: not every program that uses it has
// them among its own.

/** Closed by `close`, or at the end of a block by `await using`. */
export interface Closable extends AsyncDisposable {
  close(): Promise<void>;
}
