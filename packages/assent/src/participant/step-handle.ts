// The driver's object as a handler sees it, valid only during its step. A handler that goes on afterwards, or did not
// wait for what it began, would otherwise write into the transaction that uses the connection next.

const stepOver = "the step of this handler is over: wait for every query before you return";

export interface StepHandle<Db> {
  readonly handle: Db;
  /** Guards another object that the handler gets, such as a prepared statement. */
  readonly guard: <T>(value: T) => T;
  /** The step is over; for another reason where one is given. */
  close(reason?: Error): void;
}

export function stepHandle<Db>(target: Db): StepHandle<Db> {
  let closed: Error | undefined;
  const check = (): void => {
    if (closed !== undefined) throw closed;
  };
  const guard = <T>(value: T): T => {
    if (typeof value !== "object" && typeof value !== "function") return value;
    const guarded = new Proxy(value as object, {
      get(object, name) {
        check();
        const member: unknown = Reflect.get(object, name, object);
        // Methods keep their own object: those of a driver may use private fields.
        if (typeof member !== "function") return member;
        return new Proxy(member, {
          apply(method, self, args) {
            check();
            return Reflect.apply(method, self === guarded ? object : self, args) as unknown;
          },
        });
      },
      apply(method, self, args) {
        check();
        return Reflect.apply(method as () => unknown, self, args) as unknown;
      },
    }) as T;
    return guarded;
  };
  return { handle: guard(target), guard, close: (reason = new Error(stepOver)) => void (closed ??= reason) };
}
