import type { SpecMount } from "#runtime";

/** What a container sees at a place of its tree. */
export type MountPoint =
  | {
      readonly type: "bind" | "volume";
      /** A path of the host. */
      readonly source: string;
      /** Of the volume. */
      readonly name?: string;
      readonly destination: string;
      readonly readOnly: boolean;
      readonly propagation: string;
      /** A new volume gets what the image has at its place. */
      readonly copies?: boolean;
      /** The volume has no other name and goes with the container. */
      readonly isAnonymous?: boolean;
      /** The volume stands for a directory of the host. */
      readonly isOfHost?: boolean;
      /** A missing source is an error (`--mount`), not made (`-v`). */
      readonly mustExist?: boolean;
      /** What is mounted below the source: it stays away, or keeps being writable. @defaultValue as the source */
      readonly below?: "absent" | "writable";
      /** Of a volume that this container makes. */
      readonly labels?: Readonly<Record<string, string>>;
      readonly driverOptions?: Readonly<Record<string, string>>;
      readonly asked?: Asked;
    }
  | {
      readonly type: "tmpfs";
      readonly destination: string;
      readonly readOnly: boolean;
      /** Mount options of the kernel. */
      readonly options: readonly string[];
      readonly asked?: Asked;
    };

/** How it was asked for: the words of `-v` and `--tmpfs` after the last colon, or `--mount`. */
export type Asked = { readonly flag: "volume" | "tmpfs"; readonly mode: string } | { readonly flag: "mount" };

interface MountFacts {
  /** The container has user IDs of its own, and so those of a volume in the volume's files. */
  readonly hasOwnUsers: boolean;
  /** The kernel can make what is mounted below a directory read-only with it: `mount_setattr` of 5.12. */
  readonly reachesBelow: boolean;
}

/** As the runtime is told it. */
export function specMount(mount: MountPoint, { hasOwnUsers, reachesBelow }: MountFacts): SpecMount {
  const readOnly = mount.readOnly ? ["ro"] : [];
  const { destination } = mount;
  if (mount.type === "tmpfs")
    return {
      destination,
      type: "tmpfs",
      source: "tmpfs",
      options: [...confinement(mount.options), ...mount.options, ...readOnly],
    };
  return {
    destination,
    type: "bind",
    source: mount.source,
    options: [
      ...(mount.type === "volume" && mount.isOfHost !== true && hasOwnUsers
        ? ["bind", "idmap"]
        : [bindWord(mount)]),
      mount.propagation,
      ...readOnly,
      ...(mount.readOnly && mount.type === "bind" && reachesBelow && mount.below === undefined
        ? ["rro"]
        : []),
    ],
  };
}

function bindWord({ below }: Extract<MountPoint, { type: "bind" | "volume" }>): string {
  return below === "absent" ? "bind" : "rbind";
}

/** Docker's defaults of a tmpfs, without those that were lifted by `exec`, `suid` or `dev`. */
function confinement(options: readonly string[]): readonly string[] {
  return ["suid", "dev", "exec"].filter((word) => !options.includes(word)).map((word) => `no${word}`);
}
