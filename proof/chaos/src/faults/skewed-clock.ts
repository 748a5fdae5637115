// A process whose wall clock is off: a module that Node loads before anything else. The monotonic clock is unchanged.

/** The environment of such a process; empty if the clock is not off. */
export function skewedClock(offByMs: number): Record<string, string> {
  if (offByMs === 0) return {};
  const source = `
    const RealDate = Date;
    globalThis.Date = class Date extends RealDate {
      constructor(...parts) { parts.length === 0 ? super(RealDate.now() + (${offByMs})) : super(...parts); }
      static now() { return RealDate.now() + (${offByMs}); }
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` };
}
