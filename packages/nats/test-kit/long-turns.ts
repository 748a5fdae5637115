// Turns of the event loop that last as long as a broker on this machine needs. The suite of the port gives things a
// number of turns to happen in, which is plenty where everything is in one process.
const turnMs = 4;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Makes every turn last until the function it returns is called. */
export function lengthenTurns(): () => void {
  let next: NodeJS.Immediate;
  const hold = (): void => {
    Atomics.wait(never, 0, 0, turnMs);
    next = setImmediate(hold);
  };
  next = setImmediate(hold);
  return () => clearImmediate(next);
}
