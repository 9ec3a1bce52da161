import { LighterError } from "#base";
import { readFields } from "#dockerfile";

/** `key=value,key=value` as docker writes it; every value is taken once, and what nobody took is an error. */
export class Attributes {
  readonly #flag: string;
  readonly #text: string;
  readonly #values: Map<string, string>;

  /** @throws ARGUMENT_INVALID */
  constructor(flag: string, text: string) {
    this.#flag = flag;
    this.#text = text;
    this.#values = new Map(this.#read(text));
  }

  #read(text: string): readonly (readonly [string, string])[] {
    try {
      return readFields(text).map((field) => {
        const separator = field.indexOf("=");
        const key = (separator < 0 ? field : field.slice(0, separator)).trim();
        // The names of annotations are the publisher's own.
        return [
          key.startsWith("annotation") ? key : key.toLowerCase(),
          separator < 0 ? "" : field.slice(separator + 1),
        ] as const;
      });
    } catch (error) {
      throw this.fault(error instanceof Error ? error.message : "it cannot be read");
    }
  }

  put(key: string, value: string): void {
    this.#values.set(key, value);
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  /** A value that has to be one of a few. */
  takeChoice<const T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const choice = choices.find((name) => name === value);
    if (choice === undefined) throw this.fault(`${key} is "${value}", want ${choices.join(", ")}`);
    return choice;
  }

  takeBoolean(key: string): boolean | undefined {
    const value = this.take(key)?.toLowerCase();
    if (value === undefined) return undefined;
    if (["true", "1", "t", ""].includes(value)) return true;
    if (["false", "0", "f"].includes(value)) return false;
    throw this.fault(`${key} is "${value}", want true or false`);
  }

  takeInteger(key: string): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (/^\d{1,9}$/.test(value)) return Number(value);
    throw this.fault(`${key} is "${value}", want a whole number`);
  }

  /** Keys with one of the prefixes, and their values. */
  takeAll(prefix: string): readonly (readonly [string, string])[] {
    const found = [...this.#values].filter(([key]) => key.startsWith(prefix));
    for (const [key] of found) this.#values.delete(key);
    return found;
  }

  /** @throws ARGUMENT_INVALID when something was not taken */
  end(): void {
    const [key] = this.#values.keys();
    if (key !== undefined) throw this.fault(`it does not know "${key}"`);
  }

  fault(state: string): LighterError {
    return new LighterError("ARGUMENT_INVALID", `cannot read --${this.#flag} "${this.#text}": ${state}`);
  }
}
