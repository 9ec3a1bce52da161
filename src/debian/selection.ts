import type { BinaryPackage } from "./binary-package.ts";
import type { Dependency, Relation } from "./relation.ts";
import { satisfiesRelation } from "./universe.ts";

/** Two packages that cannot be installed together, and the field that says so. */
export interface Clash {
  readonly holder: BinaryPackage;
  readonly field: "Conflicts" | "Breaks";
  readonly relation: Relation;
  readonly other: BinaryPackage;
}

/** The packages chosen so far, with what is needed to ask quickly whether another one fits. */
export class Selection {
  readonly #chosen = new Map<
    string,
    { readonly candidate: BinaryPackage; readonly parent: string | undefined }
  >();
  /** By real and provided name. */
  readonly #present = new Map<string, readonly BinaryPackage[]>();
  /** By the name that is forbidden. */
  readonly #forbidden = new Map<string, readonly Omit<Clash, "other">[]>();

  packages(): Iterable<BinaryPackage> {
    return [...this.#chosen.values()].map(({ candidate }) => candidate);
  }

  has(name: string): boolean {
    return this.#chosen.has(name);
  }

  /** The package because of which `name` was chosen. */
  parent(name: string): string | undefined {
    return this.#chosen.get(name)?.parent;
  }

  satisfies(dependency: Dependency): boolean {
    return dependency.some((relation) =>
      this.#present.get(relation.name)?.some((candidate) => satisfiesRelation(candidate, relation)),
    );
  }

  add(candidate: BinaryPackage, parent: string | undefined): void {
    this.#chosen.set(candidate.name, { candidate, parent });
    for (const name of namesOf(candidate)) append(this.#present, name, candidate);
    for (const clash of prohibitions(candidate)) append(this.#forbidden, clash.relation.name, clash);
  }

  /** The first reason why `candidate` cannot join, in either direction. A package never clashes with itself. */
  findConflict(candidate: BinaryPackage): Clash | undefined {
    for (const clash of prohibitions(candidate))
      for (const other of this.#present.get(clash.relation.name) ?? [])
        if (other.name !== candidate.name && satisfiesRelation(other, clash.relation))
          return { ...clash, other };
    for (const name of namesOf(candidate))
      for (const clash of this.#forbidden.get(name) ?? [])
        if (clash.holder.name !== candidate.name && satisfiesRelation(candidate, clash.relation))
          return { ...clash, other: candidate };
    return undefined;
  }

  copy(): Selection {
    const copy = new Selection();
    for (const [name, entry] of this.#chosen) copy.#chosen.set(name, entry);
    for (const [name, list] of this.#present) copy.#present.set(name, list);
    for (const [name, list] of this.#forbidden) copy.#forbidden.set(name, list);
    return copy;
  }
}

function namesOf(candidate: BinaryPackage): ReadonlySet<string> {
  return new Set([candidate.name, ...candidate.provides.map(({ name }) => name)]);
}

function prohibitions(candidate: BinaryPackage): readonly Omit<Clash, "other">[] {
  return [
    ...candidate.conflicts.map((relation) => ({ holder: candidate, field: "Conflicts", relation }) as const),
    ...candidate.breaks.map((relation) => ({ holder: candidate, field: "Breaks", relation }) as const),
  ];
}

function append<T>(map: Map<string, readonly T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}
