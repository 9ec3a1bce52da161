import { createHash } from "node:crypto";
import { PersistentMap } from "./persistent-map.ts";

interface Link {
  readonly value: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const digestBits = 2048;

/**
 * Variables in an order, as a list that never changes: every operation gives another, and costs the same however long
 * the list is. So does its digest, which equal lists share: the sum of a number for each variable with its neighbour
 * (AdHash, https://doi.org/10.1007/3-540-69053-0_13; at 2048 bits two lists of one sum are out of reach for any file).
 */
export class VariableList {
  static readonly empty = new VariableList({ links: PersistentMap.empty(), sum: 0n });
  /** A name that was removed has `undefined`. */
  readonly #links: PersistentMap<Link | undefined>;
  readonly #first: string | undefined;
  readonly #last: string | undefined;
  readonly #sum: bigint;

  private constructor(parts: {
    readonly links: PersistentMap<Link | undefined>;
    readonly first?: string | undefined;
    readonly last?: string | undefined;
    readonly sum: bigint;
  }) {
    this.#links = parts.links;
    this.#first = parts.first;
    this.#last = parts.last;
    this.#sum = parts.sum;
  }

  get(name: string): string | undefined {
    return this.#links.get(name)?.value;
  }

  has(name: string): boolean {
    return this.#links.get(name) !== undefined;
  }

  /** Gives the variable a value where it stands; it must be there. */
  replace(name: string, value: string): VariableList {
    const link = this.#links.get(name);
    if (link === undefined || link.value === value) return this;
    return this.#with({
      links: this.#links.set(name, { ...link, value }),
      added: [[link.before, name, value]],
      gone: [[link.before, name, link.value]],
    });
  }

  /** Puts the variable at the end, wherever it stood. */
  moveToEnd(name: string, value: string): VariableList {
    return this.#last === name ? this.replace(name, value) : this.remove(name).insert(name, value);
  }

  /** Adds a variable that is not there, in front of another or at the end. */
  insert(name: string, value: string, inFrontOf?: string): VariableList {
    const before = inFrontOf === undefined ? this.#last : this.#links.get(inFrontOf)?.before;
    const after = inFrontOf === undefined ? undefined : this.#links.get(inFrontOf);
    const links = this.#links.set(name, { value, before, after: inFrontOf });
    return this.#with({
      links: linked(linked(links, before, { after: name }), inFrontOf, { before: name }),
      ...(before === undefined && { first: name }),
      ...(inFrontOf === undefined && { last: name }),
      added: [[before, name, value], ...termOf(name, inFrontOf, after)],
      gone: termOf(before, inFrontOf, after),
    });
  }

  remove(name: string): VariableList {
    const link = this.#links.get(name);
    if (link === undefined) return this;
    const { before, after } = link;
    const next = after === undefined ? undefined : this.#links.get(after);
    const links = this.#links.set(name, undefined);
    return this.#with({
      links: linked(linked(links, before, { after }), after, { before }),
      ...(before === undefined && { first: after }),
      ...(after === undefined && { last: before }),
      added: termOf(before, after, next),
      gone: [[before, name, link.value], ...termOf(name, after, next)],
    });
  }

  /** In order. */
  *entries(): Generator<readonly [string, string], void> {
    let name = this.#first;
    while (name !== undefined) {
      const link = this.#links.get(name);
      if (link === undefined) return;
      yield [name, link.value];
      name = link.after;
    }
  }

  /** Equal for lists that say the same in the same order, for no others. */
  get digest(): string {
    return this.#sum.toString(16);
  }

  #with(change: {
    readonly links: PersistentMap<Link | undefined>;
    readonly first?: string | undefined;
    readonly last?: string | undefined;
    readonly added: readonly Term[];
    readonly gone: readonly Term[];
  }): VariableList {
    let sum = this.#sum;
    for (const term of change.added) sum += numberOf(term);
    for (const term of change.gone) sum -= numberOf(term);
    const { links } = change;
    return new VariableList({
      links,
      first: "first" in change ? change.first : this.#first,
      last: "last" in change ? change.last : this.#last,
      sum: BigInt.asUintN(digestBits, sum),
    });
  }
}

/** The name in front (absent for the first), the name and the value. Names are unique, so all terms give the order. */
type Term = readonly [string | undefined, string, string];

function termOf(before: string | undefined, name: string | undefined, link: Link | undefined): Term[] {
  return name === undefined || link === undefined ? [] : [[before, name, link.value]];
}

function numberOf(term: Term): bigint {
  const hash = createHash("shake256", { outputLength: digestBits / 8 });
  return BigInt(`0x${hash.update(JSON.stringify(term)).digest("hex")}`);
}

function linked(
  links: PersistentMap<Link | undefined>,
  name: string | undefined,
  change: Partial<Link>,
): PersistentMap<Link | undefined> {
  const link = name === undefined ? undefined : links.get(name);
  return name === undefined || link === undefined ? links : links.set(name, { ...link, ...change });
}
