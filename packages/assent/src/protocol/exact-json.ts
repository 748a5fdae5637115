// A caller's values as JSON: a value that JSON would drop, change or fail on is refused with its path.
import type { Json } from "./json.ts";

/** The value cannot be carried as JSON. `code` is stable. */
export class NotJson extends Error {
  readonly code = "not_json";

  constructor(message: string) {
    super(message);
    this.name = "NotJson";
  }
}

export interface ExactJsonLimits {
  /** Levels of lists and objects. A value that contains itself is deeper than any. */
  readonly nestingMax: number;
  /** Values of all levels together, so that a value that is referenced many times is not copied without end. */
  readonly valuesMax: number;
  /** Keys of objects that are refused, such as one that would become a prototype where objects are merged. */
  readonly keysRefused?: readonly string[];
}

interface Copying extends ExactJsonLimits {
  values: number;
}

/**
 * A copy that JSON carries without any difference, except that properties of the value `undefined` are left out. No
 * getter is called, and nothing that the caller does to the value later changes the copy.
 * @throws {NotJson} with the path of a value that cannot be carried; any error that a proxy throws
 */
export function exactJson(value: unknown, limits: ExactJsonLimits): Json {
  return copyOf(value, "", { ...limits, values: 0 });
}

function copyOf(value: unknown, path: string, copying: Copying): Json {
  copying.values += 1;
  if (copying.values > copying.valuesMax) throw new NotJson(`it has more than ${copying.valuesMax} values`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value) || Object.is(value, -0)) refuse(path, Object.is(value, -0) ? "-0" : String(value));
      return value;
    case "object":
      return value === null ? null : copyOfStructure(value, path, copying);
    case "undefined":
    case "bigint":
    case "symbol":
    case "function":
      return refuse(path, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  }
}

function copyOfStructure(value: object, path: string, copying: Copying): Json {
  if (copying.nestingMax === 0) throw new NotJson(`${path} is nested too deep, or contains itself`);
  const inside: Copying = { ...copying, nestingMax: copying.nestingMax - 1 };
  const copy = Array.isArray(value) ? copyOfList(value, path, inside) : copyOfObject(value, path, inside);
  copying.values = inside.values;
  return copy;
}

function copyOfList(list: readonly unknown[], path: string, copying: Copying): Json {
  const { length } = list;
  if (length > copying.valuesMax) throw new NotJson(`it has more than ${copying.valuesMax} values`);
  // The length is a property, too.
  if (Reflect.ownKeys(list).length !== length + 1) refuse(path, "a list with gaps or properties");
  // About twice as fast as `Array.from` with a function, and each payload and memo of a checkout comes through here.
  const copy: Json[] = [];
  for (let index = 0; index < length; index += 1) {
    const itemPath = `${path}[${index}]`;
    copy.push(copyOf(valueOf(list, String(index), itemPath), itemPath, copying));
  }
  return copy;
}

function copyOfObject(object: object, path: string, copying: Copying): Json {
  const prototype: unknown = Object.getPrototypeOf(object);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain) refuse(path, `an object of the class ${nameOfClass(object)}`);
  const copy: Record<string, Json> = {};
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === "symbol") return refuse(path, "an object with a symbol for a key");
    const valuePath = path === "" ? key : `${path}.${key}`;
    if (copying.keysRefused?.includes(key) === true) refuse(valuePath, "a property that no input may have");
    const value = valueOf(object, key, valuePath);
    if (value !== undefined) setOwn(copy, key, copyOf(value, valuePath, copying));
  }
  return copy;
}

/** An assignment to `__proto__` would make no property. */
function setOwn(copy: Record<string, Json>, key: string, value: Json): void {
  if (key !== "__proto__") copy[key] = value;
  else Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
}

function valueOf(object: object, key: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined) return refuse(path, "a gap");
  if (!("value" in property)) return refuse(path, "a getter");
  if (property.enumerable !== true) return refuse(path, "a hidden property");
  return property.value;
}

function nameOfClass(object: object): string {
  const prototype = Object.getPrototypeOf(object) as { constructor?: unknown };
  return typeof prototype.constructor === "function" ? prototype.constructor.name : "of nobody";
}

function refuse(path: string, what: string): never {
  throw new NotJson(`${path === "" ? "it" : path} is ${what}`);
}
