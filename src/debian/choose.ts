import { LighterError } from "#base";
import type { BinaryPackage } from "./binary-package.ts";
import {
  type Dependency,
  formatDependency,
  formatRelation,
  parseDependencies,
  type Relation,
} from "./relation.ts";
import { type Clash, Selection } from "./selection.ts";
import type { Universe } from "./universe.ts";

/** What a set of packages has to hold. */
export interface Wanted {
  readonly universe: Universe;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** Dependencies in Debian's notation: `golang-go`, `gcc (>= 4:12)`. */
  readonly packages: readonly string[];
  /** Add every essential package and every one of priority `required`. */
  readonly withRequired: boolean;
  /** Names taken before others wherever there is a choice (`usr-is-merged` before `usrmerge`). */
  readonly prefer?: readonly string[];
  /** Names of packages that no dependency brings: one that names any of them is taken as met. */
  readonly ignore?: readonly string[];
  /** For error texts: `Debian bookworm`. */
  readonly place: string;
}

/** How many choices may be taken back before the set is given up: real sets need none. */
const retryLimit = 2000;

/**
 * Chooses packages so that every dependency holds and none conflicts: `Depends` and `Pre-Depends` with alternatives and
 * virtual packages; recommendations are left out. What leaves no choice is settled first; a choice that ends in a
 * contradiction is taken back. Equal input gives an equal answer, sorted by name.
 * @throws PACKAGE_NOT_FOUND, DEPENDENCY_UNSATISFIABLE, PACKAGES_CONFLICT, INDEX_INVALID
 */
export function choosePackages(wanted: Wanted): readonly BinaryPackage[] {
  const selection = new Selection();
  const pending: Pending[] = [];
  if (wanted.withRequired)
    for (const required of wanted.universe.required()) add(selection, pending, required, undefined);
  for (const text of wanted.packages)
    for (const dependency of parseDependencies(text, wanted.architecture)) {
      rejectUnknown(dependency, wanted);
      pending.push({ dependency, parent: undefined });
    }
  const search = { wanted, retries: 0 };
  const chosen = solve(search, selection, pending);
  return [...chosen.packages()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Pending {
  readonly dependency: Dependency;
  /** The package that has this dependency; undefined for what was asked for. */
  readonly parent: string | undefined;
}

interface Search {
  readonly wanted: Wanted;
  retries: number;
}

/** Settles what has one answer, then tries the answers of the first open choice in order of preference. */
function solve(search: Search, selection: Selection, pending: readonly Pending[]): Selection {
  const open = settle(search.wanted, selection, pending);
  const [choice, ...rest] = open;
  if (choice === undefined) return selection;
  let failure: unknown;
  for (const option of viableOptions(search.wanted, selection, choice)) {
    const attempt = selection.copy();
    const further = [...rest];
    try {
      add(attempt, further, option, choice.parent);
      return solve(search, attempt, further);
    } catch (error) {
      failure ??= error;
      search.retries += 1;
      if (search.retries > retryLimit) throw failure;
    }
  }
  throw failure;
}

/** Adds every package that is the only answer to a dependency; returns the dependencies with several. */
function settle(wanted: Wanted, selection: Selection, pending: readonly Pending[]): readonly Pending[] {
  let queue = [...pending];
  for (;;) {
    const open: Pending[] = [];
    let isChanged = false;
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      if (selection.satisfies(item.dependency) || isIgnored(wanted, item)) continue;
      const [only, ...others] = viableOptions(wanted, selection, item);
      if (only === undefined) throw unsatisfiable(wanted, selection, item);
      if (others.length > 0) {
        open.push(item);
        continue;
      }
      add(selection, queue, only, item.parent);
      isChanged = true;
    }
    if (!isChanged) return open;
    queue = open;
  }
}

/** What was asked for by name is never ignored. */
function isIgnored({ ignore = [] }: Wanted, { dependency, parent }: Pending): boolean {
  return parent !== undefined && dependency.some(({ name }) => ignore.includes(name));
}

function add(
  selection: Selection,
  queue: Pending[],
  candidate: BinaryPackage,
  parent: string | undefined,
): void {
  if (selection.has(candidate.name)) return;
  const clash = selection.findConflict(candidate);
  if (clash !== undefined) throw conflict(selection, candidate, parent, clash);
  selection.add(candidate, parent);
  for (const dependency of candidate.dependencies) queue.push({ dependency, parent: candidate.name });
}

function viableOptions(
  wanted: Wanted,
  selection: Selection,
  { dependency }: Pending,
): readonly BinaryPackage[] {
  const options = optionsFor(wanted, dependency).filter(
    (option) => selection.findConflict(option) === undefined && !selection.has(option.name),
  );
  const isPreferred = ({ name }: BinaryPackage) => wanted.prefer?.includes(name) === true;
  return [...options.filter(isPreferred), ...options.filter((option) => !isPreferred(option))];
}

function optionsFor(wanted: Wanted, dependency: Dependency): readonly BinaryPackage[] {
  return [...new Set(dependency.flatMap((relation) => wanted.universe.satisfying(relation)))];
}

function rejectUnknown(dependency: Dependency, { universe, place }: Wanted): void {
  if (dependency.some(({ name }) => universe.satisfying({ name }).length > 0)) return;
  const name = formatDependency(dependency);
  throw new LighterError(
    "PACKAGE_NOT_FOUND",
    `cannot install "${name}": ${place} has no package of that name; check the spelling and the suite`,
    { details: { package: name } },
  );
}

function unsatisfiable(wanted: Wanted, selection: Selection, item: Pending): LighterError {
  const options = optionsFor(wanted, item.dependency);
  const [first] = options;
  const clash = first && selection.findConflict(first);
  if (first !== undefined && clash !== undefined) return conflict(selection, first, item.parent, clash);
  const text = formatDependency(item.dependency);
  const offer = item.dependency.map((relation) => describeOffer(wanted, relation)).join(" and ");
  const chain = chainText(selection, item.parent);
  return new LighterError(
    "DEPENDENCY_UNSATISFIABLE",
    item.parent === undefined
      ? `cannot install "${text}": ${wanted.place} has ${offer}`
      : `cannot install "${item.parent}"${chain}: it depends on ${text}, and ${wanted.place} has ${offer}`,
    { details: { package: item.parent, dependency: text } },
  );
}

function describeOffer({ universe }: Wanted, { name }: Relation): string {
  const real = universe.find(name);
  if (real !== undefined) return `${name} ${real.version}`;
  const [provider] = universe.satisfying({ name });
  return provider === undefined ? `no ${name}` : `${name} only from ${provider.name}, in no fitting version`;
}

function conflict(
  selection: Selection,
  candidate: BinaryPackage,
  parent: string | undefined,
  clash: Clash,
): LighterError {
  const other = clash.holder === candidate ? clash.other : clash.holder;
  const verb = clash.field === "Conflicts" ? "conflicts with" : "breaks";
  const chain = parent === undefined ? "" : ` (needed by ${chainOf(selection, parent).join(" < ")})`;
  return new LighterError(
    "PACKAGES_CONFLICT",
    `cannot install "${candidate.name}"${chain} together with "${other.name}"${chainText(selection, other.name)}: ` +
      `${clash.holder.name} ${clash.holder.version} ${verb} ${formatRelation(clash.relation)}; leave one of them out`,
    { details: { packages: [candidate.name, other.name] } },
  );
}

function chainText(selection: Selection, name: string | undefined): string {
  const [, ...parents] = name === undefined ? [] : chainOf(selection, name);
  return parents.length === 0 ? "" : ` (needed by ${parents.join(" < ")})`;
}

function chainOf(selection: Selection, name: string): readonly string[] {
  const chain: string[] = [];
  for (let at: string | undefined = name; at !== undefined; at = selection.parent(at)) chain.push(at);
  return chain;
}
