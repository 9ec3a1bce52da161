import type { BinaryPackage } from "./binary-package.ts";
import type { PackagesIndex } from "./packages-index.ts";
import type { Relation } from "./relation.ts";
import { compareVersions, satisfiesVersion } from "./version.ts";

const priorities = ["required", "important", "standard", "optional", "extra"];

/** Every package that the indexes of a release offer; of each name, the newest version is the candidate. */
export class Universe {
  readonly #indexes: readonly PackagesIndex[];
  readonly #candidates = new Map<string, BinaryPackage | undefined>();

  constructor(indexes: readonly PackagesIndex[]) {
    this.#indexes = indexes;
  }

  /** The newest version of a package; of equal ones that of the first index. @throws INDEX_INVALID */
  find(name: string): BinaryPackage | undefined {
    if (this.#candidates.has(name)) return this.#candidates.get(name);
    const newest = this.#indexes
      .flatMap((index) => index.list(name))
      .reduce<BinaryPackage | undefined>(
        (best, next) => (best === undefined || compareVersions(next.version, best.version) > 0 ? next : best),
        undefined,
      );
    this.#candidates.set(name, newest);
    return newest;
  }

  /** Candidates that are essential or of priority `required`, by name. @throws INDEX_INVALID */
  required(): readonly BinaryPackage[] {
    const names = new Set(this.#indexes.flatMap((index) => index.required().map(({ name }) => name)));
    return [...names].sort().flatMap((name) => {
      const candidate = this.find(name);
      const isRequired = candidate?.isEssential === true || candidate?.priority === "required";
      return candidate !== undefined && isRequired ? [candidate] : [];
    });
  }

  /**
   * Candidates that satisfy a relation: the package of that name first, then those that provide it, the more
   * important first, then by name. @throws INDEX_INVALID
   */
  satisfying(relation: Relation): readonly BinaryPackage[] {
    const real = this.find(relation.name);
    const providers = new Map<string, BinaryPackage>();
    for (const { name } of this.#indexes.flatMap((index) => index.providers(relation.name))) {
      const candidate = this.find(name);
      if (candidate !== undefined && name !== relation.name) providers.set(name, candidate);
    }
    const ordered = [...providers.values()].sort(byImportance);
    return [...(real === undefined ? [] : [real]), ...ordered].filter((it) =>
      satisfiesRelation(it, relation),
    );
  }
}

/**
 * Whether an installed package satisfies a relation, by its own name and version or by what it provides. A versioned
 * relation is satisfied only by a versioned provision.
 * @see https://www.debian.org/doc/debian-policy/ch-relationships.html#virtual-packages-provides
 */
export function satisfiesRelation(candidate: BinaryPackage, relation: Relation): boolean {
  if (!acceptsArchitecture(candidate, relation)) return false;
  if (candidate.name === relation.name && matchesVersion(candidate.version, relation)) return true;
  return candidate.provides.some(
    (provided) => provided.name === relation.name && matchesVersion(provided.version?.bound, relation),
  );
}

/** One architecture is installed, so `:native` and its own name always hold and `:any` needs the package's leave. */
function acceptsArchitecture(candidate: BinaryPackage, { architecture }: Relation): boolean {
  if (architecture === undefined || architecture === "native") return true;
  if (architecture === "any") return candidate.multiArch === "allowed" || candidate.multiArch === "foreign";
  return candidate.architecture === architecture;
}

function matchesVersion(version: string | undefined, relation: Relation): boolean {
  if (relation.version === undefined) return true;
  return (
    version !== undefined && satisfiesVersion(version, relation.version.operator, relation.version.bound)
  );
}

function byImportance(a: BinaryPackage, b: BinaryPackage): number {
  const order = rank(a.priority) - rank(b.priority);
  return order !== 0 ? order : a.name < b.name ? -1 : 1;
}

function rank(priority: string): number {
  const at = priorities.indexOf(priority);
  return at < 0 ? priorities.length : at;
}
