import type { PathRules } from "./apt-configuration.ts";

/** Names of what can be cut out of a distroless image. */
export type TrimPackName =
  | "docs"
  | "locales"
  | "charsets"
  | "zones"
  | "settings"
  | "tools"
  | "tests"
  | "java-extras"
  | "java-sound"
  | "java-desktop"
  | "node-extras"
  | "node-modules"
  | "icu-extras"
  | "languages"
  | "libc-extras"
  | "corepack"
  | "symbols"
  | "unused-libraries";

/** A group of files that programs run without, and what ceases to work. */
export interface TrimPack extends PathRules {
  /** What is lost, for people. */
  readonly loses: string;
}

/**
 * The packs as path globs. Some have none: what `unused-libraries` cuts is found by following what programs load; `icu-extras`,
 * `languages` and `symbols` cut inside of files.
 */
export const trimPacks: Readonly<Record<TrimPackName, TrimPack>> = {
  docs: {
    loses: "manuals and documentation; copyright files stay",
    exclude: [
      "/usr/share/doc/*",
      "/usr/share/man/*",
      "/usr/share/info/*",
      "/usr/share/lintian/*",
      "/usr/share/doc-base/*",
      "/usr/share/bash-completion/*",
      "/usr/share/bug/*",
      "/usr/share/gdb/*",
      "/usr/share/gcc*",
      "/usr/share/pixmaps/*",
      "/usr/share/applications/*",
      "/usr/share/binfmts/*",
      "/usr/share/base-files/*",
      "/usr/share/menu/*",
      "/usr/share/common-licenses/*",
    ],
    include: ["/usr/share/doc/*/copyright"],
  },
  locales: {
    loses: "translations and locales other than C and C.UTF-8",
    exclude: ["/usr/share/locale/*", "/usr/share/i18n/*", "/usr/lib/locale/*"],
    include: ["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.utf8/*"],
  },
  charsets: {
    loses:
      "glibc's conversion from and to charsets other than UTF-8, UTF-16, UTF-32 and ASCII, which are built in",
    exclude: ["/usr/lib/*/gconv/*", "/usr/lib/*/gconv"],
    include: [],
  },
  zones: {
    loses: "time zones that count leap seconds, and outdated names of zones",
    exclude: ["/usr/share/zoneinfo/right*", "/usr/share/zoneinfo/posix*", "/usr/share/zoneinfo/posixrules"],
    include: [],
  },
  settings: {
    loses: "settings of services and shells that are not there",
    exclude: [
      "/etc/cron*",
      "/etc/skel*",
      "/etc/profile*",
      "/etc/init.d*",
      "/etc/pam.d*",
      "/etc/update-motd.d*",
      "/etc/default/*",
      "/etc/dpkg*",
      "/etc/bindresvport.blacklist",
      "/usr/share/tabset*",
      "/usr/lib/systemd*",
      "/usr/lib/tmpfiles.d*",
      "/usr/lib/sysusers.d*",
      "/usr/lib/binfmt.d*",
    ],
    include: [],
  },
  tools: {
    loses: "the programs of libc-bin, as getent, iconv, ldconfig and localedef, and of GLib",
    exclude: [
      "/usr/bin/catchsegv",
      "/usr/bin/getconf",
      "/usr/bin/getent",
      "/usr/bin/iconv",
      "/usr/bin/ldd",
      "/usr/bin/locale",
      "/usr/bin/localedef",
      "/usr/bin/pldd",
      "/usr/bin/tzselect",
      "/usr/bin/zdump",
      "/usr/sbin/iconvconfig",
      "/usr/sbin/ldconfig",
      "/sbin/ldconfig",
      "/usr/sbin/zic",
      "/usr/lib/*/audit/*",
      "/usr/lib/*/glib-2.0/*",
      "/usr/lib/*/libpcprofile.so",
      "/lib/*/libpcprofile.so",
    ],
    include: [],
  },
  tests: {
    loses: "Python's test modules, IDLE, pydoc's topics and ensurepip",
    exclude: [
      "/usr/lib/python3*/test/*",
      "/usr/lib/python3*/*/tests/*",
      "/usr/lib/python3*/*/test/*",
      "/usr/lib/python3*/lib-dynload/_test*",
      "/usr/lib/python3*/lib-dynload/_ctypes_test*",
      "/usr/lib/python3*/lib-dynload/_xxtestfuzz*",
      "/usr/lib/python3*/lib-dynload/xxlimited*",
      "/usr/lib/python3*/idlelib/*",
      "/usr/lib/python3*/pydoc_data/*",
      "/usr/lib/python3*/ensurepip/*",
      "/usr/lib/python3*/turtledemo/*",
      "/usr/lib/python3*/config-*",
    ],
    include: [],
  },
  "java-extras": {
    loses:
      "javac's symbol files, class data for Java without compressed pointers, licenses of Java's modules",
    exclude: [
      "/usr/lib/jvm/*/lib/ct.sym",
      "/usr/lib/jvm/*/lib/server/classes_nocoops.jsa",
      "/usr/lib/jvm/*/legal*",
      "/usr/lib/jvm/*/docs*",
      "/usr/lib/jvm/*/man*",
      "/usr/lib/jvm/*/lib/src.zip",
    ],
    include: [],
  },
  "java-sound": {
    loses: "what Java plays with: containers have no sound",
    exclude: ["/usr/lib/jvm/*/lib/libjsound.so"],
    include: [],
  },
  "java-desktop": {
    loses: "what java.desktop draws, prints and plays with: fonts, images, sound",
    exclude: [
      "awt*",
      "fontmanager",
      "freetype",
      "javajpeg",
      "jsound",
      "lcms",
      "mlib_image",
      "splashscreen",
      "harfbuzz",
    ].map((name) => `/usr/lib/jvm/*/lib/lib${name}.so`),
    include: [],
  },
  "node-extras": {
    loses: "type declarations of Node's own libraries",
    exclude: ["/usr/share/nodejs/@types*", "/usr/share/nodejs/*/docs/*", "/usr/include/*"],
    include: [],
  },
  "node-modules": {
    loses:
      "of the modules that come with Node what Node itself does not load: acorn, cjs-module-lexer, minimatch, undici",
    exclude: [
      "@fastify/busboy",
      "acorn*",
      "balanced-match",
      "binary-search",
      "brace-expansion",
      "busboy",
      "cjs-module-lexer",
      "minimatch",
      "streamsearch",
      "undici*",
      "xtend",
    ].flatMap((name) => [`/usr/share/nodejs/${name}`, `/usr/share/nodejs/${name}/*`]),
    include: [
      "/usr/share/nodejs/acorn/dist/acorn.js",
      "/usr/share/nodejs/acorn-walk/dist/walk.js",
      "/usr/share/nodejs/cjs-module-lexer/lexer.js",
      "/usr/share/nodejs/cjs-module-lexer/dist/lexer.js",
      "/usr/share/nodejs/minimatch/dist/cjs/index.bundle.js",
      "/usr/share/nodejs/undici/undici-fetch.js",
    ],
  },
  "icu-extras": {
    loses:
      "of ICU's data what Node has no way to ask for: transliteration, charsets that the web has no names for",
    exclude: [],
    include: [],
  },
  languages: {
    loses: "ICU's data of all but 38 languages: Intl takes another one for the rest, and says which",
    exclude: [],
    include: [],
  },
  "libc-extras": {
    loses: "parts of the C library for vector mathematics, NIS, Hesiod and debugging",
    exclude: ["mvec", "nsl", "nss_compat", "nss_hesiod", "c_malloc_debug", "memusage", "thread_db"].flatMap(
      (name) => [`/lib/*/lib${name}.so*`, `/usr/lib/*/lib${name}.so*`],
    ),
    include: [],
  },
  corepack: {
    loses: "corepack, which fetches npm, yarn and pnpm",
    exclude: ["/usr/share/nodejs/corepack*", "/usr/bin/corepack"],
    include: [],
  },
  symbols: {
    loses: "names of functions in programs and libraries, which profilers and debuggers read",
    exclude: [],
    include: [],
  },
  "unused-libraries": {
    loses: "libraries that came as dependencies and that no program kept here loads",
    exclude: [],
    include: [],
  },
};

/** The rules of several packs as one. */
export function rulesOf(names: readonly TrimPackName[]): PathRules {
  const packs = names.map((name) => trimPacks[name]);
  return {
    exclude: packs.flatMap(({ exclude }) => exclude),
    include: packs.flatMap(({ include }) => include),
  };
}
