import type { TrimPackName } from "../assemble/trim-packs.ts";
import type { EnvironmentValue, RecipeDefinition } from "../recipe-definition.ts";
import { systemPath } from "./debian.ts";

/** A role of Google's distroless images, for one release. */
export interface DistrolessRole {
  /** `static`, `java17`. */
  readonly name: string;
  readonly release: Release;
  /** The release that the name without `-debian12` or `-debian13` means. */
  readonly isDefault: boolean;
  readonly summary: string;
  readonly packages: readonly string[];
  readonly slimPackages?: readonly string[];
  /** Dependencies left out beside the usual ones. */
  readonly ignore?: readonly string[];
  readonly slim: readonly TrimPackName[];
  /** What even the plain tier goes without: it would be a package manager, or Google's image has nothing like it. */
  readonly never?: readonly TrimPackName[];
  readonly links?: RecipeDefinition["links"];
  readonly env?: readonly EnvironmentValue[];
  readonly entrypoint?: readonly string[];
}

type Release = "bookworm" | "trixie";

const numbers: Readonly<Record<Release, string>> = { bookworm: "12", trixie: "13" };

/** What packages depend on for their scripts, for users at a terminal, or for a part that no image of this kind uses. */
export const ignoredDependencies = [
  "adduser",
  "alsa-topology-conf",
  "alsa-ucm-conf",
  "awk",
  "ca-certificates-java",
  "debconf",
  "dpkg",
  "fontconfig",
  "init-system-helpers",
  "java-common",
  "libaudit1",
  "libpam0g",
  "lsb-base",
  "mawk",
  "openssl",
  "openssl-provider-legacy",
  "perl",
  "perl-base",
  "readline-common",
  "sensible-utils",
  "sysvinit-utils",
  "tar",
  "ucf",
  "usrmerge",
  "util-linux",
] as const;

/** What no program of a small image uses. */
export const baseTrims = ["docs", "locales", "charsets", "zones", "settings", "tools"] as const;
const data = ["base-files", "netbase", "tzdata", "media-types", "ca-certificates"] as const;

function baseRoles(release: Release): readonly DistrolessRole[] {
  const isDefault = release === "bookworm";
  const gcc = isDefault ? "gcc-12-base" : "gcc-14-base";
  const staticPackages = isDefault ? data : [...data, "tzdata-legacy"];
  const ssl = isDefault ? ["libssl3"] : ["libssl3t64", "libzstd1", "zlib1g"];
  const common = { release, isDefault, slim: baseTrims } as const;
  const base = [...staticPackages, "libc6", ...ssl];
  const cc = [...base, gcc, "libgcc-s1", "libgomp1", "libstdc++6"];
  const slimOf = (packages: readonly string[]) => packages.filter((name) => name !== "tzdata-legacy");
  const role = (name: string, summary: string, packages: readonly string[]): DistrolessRole => ({
    ...common,
    name,
    summary,
    packages,
    slimPackages: slimOf(packages),
    // As Google has it: the C library alone; who throws exceptions or cancels threads takes cc.
    ignore: ["libgcc-s1", "libcrypt1"],
  });
  return [
    role("static", "for static programs: certificates, time zones, accounts", staticPackages),
    role("base-nossl", "static with the C library", [...staticPackages, "libc6"]),
    role("base", "static with the C library and OpenSSL", base),
    role("cc", "base with the libraries of C++ and OpenMP", cc),
    pythonRole(common, cc),
  ];
}

function pythonRole(
  common: Pick<DistrolessRole, "release" | "isDefault">,
  cc: readonly string[],
): DistrolessRole {
  const version = common.isDefault ? "3.11" : "3.13";
  const parts = [`python${version}-minimal`, `libpython${version}-minimal`, `libpython${version}-stdlib`];
  const slimBase = cc.filter((name) => !/^(?:gcc-|libgomp|libstdc|tzdata-legacy|libzstd1)/.test(name));
  return {
    ...common,
    name: "python3",
    summary: `Python ${version} with its whole standard library`,
    packages: [...cc, ...parts, "libc-bin"],
    // Settings of NIS over RPC, which Google's list leaves out, too.
    ignore: ["libtirpc-common"],
    slimPackages: [...slimBase, ...parts, "libc-bin"],
    slim: [...baseTrims, "tests", "unused-libraries"],
    links: [
      { path: "usr/bin/python3", target: `python${version}` },
      { path: "usr/bin/python", target: `python${version}` },
    ],
    env: [{ name: "LANG", value: "C.UTF-8" }],
    entrypoint: [`/usr/bin/python${version}`],
  };
}

function javaRole(version: "17" | "21", release: Release): DistrolessRole {
  const home = `/usr/lib/jvm/java-${version}-openjdk-{architecture}`;
  const libraries = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libc-bin"];
  // Fonts and images are drawn without a screen, too; trixie's headless package leaves their libraries to another one.
  const screen = [
    "fonts-dejavu-core",
    "libfontconfig1",
    "libfreetype6",
    "libharfbuzz0b",
    "liblcms2-2",
    "libjpeg62-turbo",
  ];
  return {
    name: `java${version}`,
    release,
    isDefault: true,
    summary: `Java ${version} runtime without a screen`,
    packages: [...data, ...libraries, ...screen, `openjdk-${version}-jre-headless`],
    slimPackages: [...data, ...libraries, `openjdk-${version}-jre-headless`],
    // Printing, which brings GnuTLS, Kerberos, D-Bus and systemd, and NSS's keys are opened only when they are there; sound and
    // a second font are not in Google's list either.
    ignore: ["libcups2", "libnss3", "libasound2", "libasound2t64", "fonts-dejavu-mono"],
    slim: [...baseTrims, "java-extras", "java-desktop", "libc-extras", "symbols"],
    // Of libc-bin Google has the locale only, and Debian's way to draw leads through GLib.
    never: ["tools", "java-sound", "unused-libraries"],
    links: [
      { path: "usr/bin/java", target: `..${home.slice("/usr".length)}/bin/java` },
      { path: "usr/lib/jvm/default-java", target: `java-${version}-openjdk-{architecture}` },
    ],
    env: [
      { name: "LANG", value: "C.UTF-8" },
      { name: "JAVA_HOME", value: "/usr/lib/jvm/default-java" },
      { name: "JAVA_VERSION", versionOf: `openjdk-${version}-jre-headless` },
    ],
    entrypoint: ["/usr/bin/java", "-jar"],
  };
}

function nodeRole(version: "18" | "20", release: Release): DistrolessRole {
  const libraries = ["libc6", "libgcc-s1", "libstdc++6", release === "bookworm" ? "libssl3" : "libssl3t64"];
  return {
    name: `nodejs${version}`,
    release,
    isDefault: true,
    summary: `Node ${version}, without npm`,
    packages: [...data, ...libraries, "nodejs"],
    slim: [...baseTrims, "node-modules", "icu-extras", "languages", "libc-extras", "unused-libraries"],
    never: ["node-extras", ...(version === "20" ? (["corepack"] as const) : [])],
    env: [{ name: "NODE_VERSION", versionOf: "nodejs" }],
    entrypoint: ["/usr/bin/node"],
  };
}

const roles: readonly DistrolessRole[] = [
  ...baseRoles("bookworm"),
  ...baseRoles("trixie"),
  javaRole("17", "bookworm"),
  javaRole("21", "trixie"),
  nodeRole("18", "bookworm"),
  nodeRole("20", "trixie"),
];

/** Every role in every tag: plain and slim, for root and nonroot, with a shell for debugging and without. */
export const distrolessRecipes: readonly RecipeDefinition[] = roles.flatMap((role) =>
  [false, true].flatMap((isSlim) =>
    [false, true].flatMap((isDebug) =>
      [false, true].flatMap((isNonroot) => recipesOf(role, { isSlim, isDebug, isNonroot })),
    ),
  ),
);

interface Variant {
  readonly isSlim: boolean;
  readonly isDebug: boolean;
  readonly isNonroot: boolean;
}

function recipesOf(role: DistrolessRole, variant: Variant): readonly RecipeDefinition[] {
  const definition = define(role, variant);
  const dated = { ...definition, repository: `distroless/${role.name}-debian${numbers[role.release]}` };
  return role.isDefault ? [definition, dated] : [dated];
}

function define(role: DistrolessRole, { isSlim, isDebug, isNonroot }: Variant): RecipeDefinition {
  const words = [isSlim && "slim", isDebug && "debug", isNonroot && "nonroot"].filter(
    (word) => word !== false,
  );
  const { entrypoint, links, env = [], packages, slimPackages = packages, never = [] } = role;
  const trim = isSlim ? [...new Set([...role.slim, ...never])] : never;
  return {
    name: `distroless/${role.name}`,
    kind: "distroless",
    release: role.release,
    repository: `distroless/${role.name}`,
    tags: [words.length === 0 ? "latest" : words.join("-")],
    summary: role.summary,
    packages: isSlim ? slimPackages : packages,
    prefer: ["usr-is-merged"],
    ignore: [...ignoredDependencies, ...(role.ignore ?? [])],
    ...(trim.length > 0 && { trim }),
    debug: isDebug,
    ...(links !== undefined && { links }),
    env: [
      { name: "PATH", value: isDebug ? `${systemPath}:/busybox` : systemPath },
      { name: "SSL_CERT_FILE", value: "/etc/ssl/certs/ca-certificates.crt" },
      ...env,
    ],
    user: isNonroot ? "65532" : "0",
    workingDir: isNonroot ? "/home/nonroot" : "/",
    ...(isDebug ? { entrypoint: ["/busybox/sh"] } : entrypoint !== undefined && { entrypoint }),
  };
}
