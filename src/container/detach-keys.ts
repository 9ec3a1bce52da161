import { LighterError } from "#base";

/** Finds docker's detach sequence (`ctrl-p,ctrl-q`) in what is typed; keys that only began one are passed on. */
export class DetachKeys {
  readonly #sequence: Buffer;
  #matched = 0;

  /** @throws CONTAINER_INVALID */
  constructor(text = "ctrl-p,ctrl-q") {
    this.#sequence = parseDetachKeys(text);
  }

  read(chunk: Buffer): { readonly text: Buffer; readonly isComplete: boolean } {
    if (this.#sequence.length === 0) return { text: chunk, isComplete: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte === this.#sequence[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#sequence.length) return { text: Buffer.from(passed), isComplete: true };
        continue;
      }
      passed.push(...this.#sequence.subarray(0, this.#matched));
      this.#matched = byte === this.#sequence[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return { text: Buffer.from(passed), isComplete: false };
  }
}

/** `a`, `ctrl-c`, joined by commas; the empty text is no sequence. @throws CONTAINER_INVALID */
export function parseDetachKeys(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.from(
    text.split(",").map((key) => {
      if (key.length === 1) return key.charCodeAt(0);
      const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
      if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
      throw new LighterError(
        "CONTAINER_INVALID",
        `cannot use detach keys "${text}": "${key}" is no key; want letters and ctrl-LETTER, joined by commas`,
      );
    }),
  );
}
