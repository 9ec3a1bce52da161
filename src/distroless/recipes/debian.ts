import type { PathRules } from "../assemble/apt-configuration.ts";
import type { RecipeDefinition } from "../recipe-definition.ts";

export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Documentation and translations, of which the copyright files stay. @see https://wiki.debian.org/ReduceDebian */
export const slimRules: PathRules = {
  exclude: [
    "/usr/share/doc/*",
    "/usr/share/groff/*",
    "/usr/share/info/*",
    "/usr/share/linda/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
  ],
  include: ["/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias"],
};

const releases = [
  { release: "trixie", number: "13", suite: "stable" },
  { release: "bookworm", number: "12", suite: "oldstable" },
] as const;

/** Debian's base images: essential and required packages and apt. */
export const debianRecipes: readonly RecipeDefinition[] = releases.flatMap(({ release, number, suite }) => [
  {
    ...base(release),
    name: "debian",
    tags: [release, number],
    suiteTags: { suite, tags: suite === "stable" ? ["latest", "stable"] : [suite] },
  },
  {
    ...base(release),
    name: "debian-slim",
    tags: [`${release}-slim`, `${number}-slim`],
    suiteTags: { suite, tags: [`${suite}-slim`] },
    pathRules: slimRules,
  },
]);

function base(release: string) {
  return {
    release,
    repository: "library/debian",
    packages: ["apt"],
    prefer: ["usr-is-merged"],
    env: [{ name: "PATH", value: systemPath }],
    cmd: ["bash"],
  } as const;
}
