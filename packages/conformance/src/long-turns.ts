// Turns of the event loop that last as long as a server on this machine needs. The suites wait a number of turns, which
// is enough if everything is in one process.
const turnMs = 4;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Makes every turn last until the returned function is called. */
export function lengthenTurns(): () => void {
  let next: NodeJS.Immediate;
  const hold = (): void => {
    Atomics.wait(never, 0, 0, turnMs);
    next = setImmediate(hold);
  };
  next = setImmediate(hold);
  return () => clearImmediate(next);
}
