// Machines that build the same files, with everything different that must not matter.
import {
  chmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Clone, type Outcome, openClone } from "../support/cli.ts";

export interface Habits {
  /** Where checkouts lie, below the clone's folder. */
  readonly place: string;
  readonly umask: string;
  readonly hostname: string;
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: string;
  /** Seconds since 1970; each checkout is a second later than the one before. */
  readonly checkedOutAt: number;
  /** Whom the files of a checkout belong to. */
  readonly owner: number;
  /** The order in which files are made, which decides the order in which a directory lists them. */
  readonly order: (names: readonly string[]) => readonly string[];
}

export const here: Habits = {
  place: "here",
  umask: "022",
  hostname: "here",
  env: { TZ: "UTC", LC_ALL: "C", HOME: "/root" },
  jobs: "1",
  checkedOutAt: 1_700_000_000,
  owner: 0,
  order: (names) => names,
};

export const there: Habits = {
  place: "far/away/there",
  umask: "077",
  hostname: "there",
  env: { TZ: "Asia/Tokyo", LC_ALL: "tr_TR.UTF-8", HOME: "/nonexistent" },
  jobs: "8",
  checkedOutAt: 1_600_000_001.25,
  owner: 1234,
  order: (names) => names.toReversed(),
};

/** Path to content; `@target` is a symbolic link and `=path` another name of a file. */
export type Checkout = Readonly<Record<string, string | Uint8Array>>;

/** A store and somebody with habits in front of it. */
export interface Machine extends Disposable {
  readonly clone: Clone;
  readonly jobs: string;
  /** @returns the directory */
  checkOut(files: Checkout): string;
  lighter(args: readonly string[], env?: Readonly<Record<string, string>>): Outcome;
}

export function openMachine(habits: Habits): Machine {
  const clone = openClone();
  const shell = `umask ${habits.umask}; hostname ${habits.hostname}; exec "$@"`;
  let checkouts = 0;
  return {
    clone,
    jobs: habits.jobs,
    lighter: (args, env) =>
      clone.run(args, {
        env: { ...habits.env, ...env },
        through: ["unshare", "--uts", "sh", "-c", shell, "sh"],
      }),
    checkOut(files) {
      const directory = join(clone.folder, habits.place, String((checkouts += 1)));
      const names = habits.order(Object.keys(files));
      const isLink = (name: string): boolean => files[name]?.[0] === "=";
      // A hard link needs its file.
      for (const name of [...names.filter((each) => !isLink(each)), ...names.filter(isLink)])
        make(directory, name, files[name] ?? "");
      settle(directory, { time: habits.checkedOutAt + checkouts, owner: habits.owner });
      return directory;
    },
    [Symbol.dispose]: () => clone[Symbol.dispose](),
  };
}

function make(directory: string, name: string, content: string | Uint8Array): void {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  if (typeof content !== "string") writeFileSync(path, content);
  else if (content.startsWith("@")) symlinkSync(content.slice(1), path);
  else if (content.startsWith("=")) linkSync(join(directory, content.slice(1)), path);
  else writeFileSync(path, content);
}

/** Modes are git's, which knows two; owner and time are this checkout's. */
function settle(path: string, checkout: { readonly time: number; readonly owner: number }): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) settle(below, checkout);
    if (!entry.isSymbolicLink()) chmodSync(below, entry.isFile() && !below.endsWith(".sh") ? 0o644 : 0o755);
    lchownSync(below, checkout.owner, checkout.owner);
    lutimesSync(below, checkout.time, checkout.time);
  }
}
