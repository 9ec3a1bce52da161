import { PersistentMap } from "./persistent-map.ts";
import { VariableList } from "./variable-list.ts";

interface Parts {
  /** What instructions see now. */
  readonly now: VariableList;
  /** What a stage that starts from here will see. */
  readonly next: VariableList;
  /** Names of the image's variables, which stand at the end of `next`. */
  readonly imageNames: PersistentMap<true>;
  readonly firstOfImage: string | undefined;
}

/**
 * The variables that the instructions of a stage see, in BuildKit's order: one that is set again moves to the end. A
 * stage that starts from this one sees the ARGs first, then the image's variables with the image's values, in the
 * image's order. Never changes: a step keeps what it saw, and inheriting costs nothing.
 */
export class Environment {
  static readonly empty = new Environment({
    now: VariableList.empty,
    next: VariableList.empty,
    imageNames: PersistentMap.empty(),
    firstOfImage: undefined,
  });
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The variables of a base image. */
  static ofImage(variables: Iterable<readonly [string, string]>): Environment {
    let environment = Environment.empty;
    for (const [name, value] of variables) environment = environment.withEnv(name, value);
    return environment.inherited();
  }

  get(name: string): string | undefined {
    return this.#parts.now.get(name);
  }

  has(name: string): boolean {
    return this.#parts.now.has(name);
  }

  /** Names and values, in order. */
  entries(): Iterable<readonly [string, string]> {
    return this.#parts.now.entries();
  }

  /** In order. */
  *names(): Generator<string, void> {
    for (const [name] of this.entries()) yield name;
  }

  /** Equal for environments that a program could not tell apart. */
  get digest(): string {
    return this.#parts.now.digest;
  }

  /** ENV. */
  withEnv(name: string, value: string): Environment {
    const { now, next, imageNames, firstOfImage } = this.#parts;
    const isKnown = imageNames.has(name);
    const moved = now.moveToEnd(name, value);
    const isInOrder = now === next && !isKnown;
    return new Environment({
      now: moved,
      next: isInOrder ? moved : isKnown ? next.replace(name, value) : next.moveToEnd(name, value),
      imageNames: isKnown ? imageNames : imageNames.set(name, true),
      firstOfImage: firstOfImage ?? name,
    });
  }

  /** ARG. */
  withArg(name: string, value: string): Environment {
    const { now, next, imageNames, firstOfImage } = this.#parts;
    return new Environment({
      ...this.#parts,
      now: now.moveToEnd(name, value),
      next: imageNames.has(name) ? next : next.remove(name).insert(name, value, firstOfImage),
    });
  }

  /** What a stage starts with that is built on this one. */
  inherited(): Environment {
    const { now, next } = this.#parts;
    return now === next ? this : new Environment({ ...this.#parts, now: next });
  }
}
