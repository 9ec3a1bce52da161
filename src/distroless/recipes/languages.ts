import type { PathRules } from "../assemble/apt-configuration.ts";
import type { RecipeDefinition } from "../recipe-definition.ts";
import { slimRules, systemPath } from "./debian.ts";
import { newest, onAlpine } from "./stand-ins.ts";

type Release = "bookworm" | "trixie";

const certificates = ["ca-certificates", "ca-certificates-java"] as const;

/**
 * What `mvn package`, `install` and a jar with everything in it take, signed: Debian keeps them as a local repository,
 * `-o -Dmaven.repo.local=/usr/share/maven-repo`, and with a way to Maven Central nothing of it is looked at.
 */
const mavenPlugins = [
  "clean",
  "resources",
  "compiler",
  "jar",
  "install",
  "deploy",
  "dependency",
  "shade",
] as const;

/** Roles of official images that are a Debian with one more thing in it; each release carries one version. */
export const languageRecipes: readonly RecipeDefinition[] = [
  ...pythonRecipes("trixie", "3.13", ["3", "latest"]),
  ...pythonRecipes("bookworm", "3.11", []),
  ...javaRecipes("trixie", "21"),
  ...javaRecipes("bookworm", "17"),
  ...temurinRecipes("trixie", "21"),
  ...temurinRecipes("bookworm", "17"),
  ...mavenRecipes("trixie", "3.9", "21"),
  ...mavenRecipes("bookworm", "3.8", "17"),
  ...nodeRecipes("trixie", "20"),
  ...nodeRecipes("bookworm", "18"),
];

interface Names {
  readonly plain: readonly string[];
  readonly slim: readonly string[];
}

/** One recipe with documentation, and one without. */
function both(
  definition: Omit<RecipeDefinition, "tags" | "kind">,
  { plain, slim }: Names,
): readonly RecipeDefinition[] {
  const { pathRules, name } = definition;
  const slimmer: PathRules = {
    exclude: [...slimRules.exclude, ...(pathRules?.exclude ?? [])],
    include: [...slimRules.include, ...(pathRules?.include ?? [])],
  };
  return [
    { ...definition, tags: plain },
    { ...definition, name: `${name}-slim`, tags: slim, pathRules: slimmer },
  ].filter(({ tags }) => tags.length > 0);
}

/** `1.2`, `1.2-bookworm`, and the same with `-slim`. */
function tagsOf(versions: readonly string[], release: Release): Names {
  const numbered = versions.filter((version) => version !== "latest");
  return {
    plain: [...versions, ...numbered.map((version) => `${version}-${release}`)],
    slim: [
      ...numbered.flatMap((version) => [`${version}-slim`, `${version}-slim-${release}`]),
      ...(versions.includes("latest") ? ["slim"] : []),
    ],
  };
}

/** Python with pip and venv. As in the official image, pip may install into the system. */
function pythonRecipes(
  release: Release,
  version: string,
  further: readonly string[],
): readonly RecipeDefinition[] {
  const common = {
    release,
    repository: "library/python",
    versionOf: `python${version}`,
    prefer: ["usr-is-merged"],
    pathRules: { exclude: [`/usr/lib/python${version}/EXTERNALLY-MANAGED`], include: [] },
    links: [{ path: "usr/local/bin/python", target: "/usr/bin/python3" }],
    env: [
      { name: "PATH", value: systemPath },
      { name: "LANG", value: "C.UTF-8" },
      { name: "PYTHON_VERSION", versionOf: `python${version}` },
    ],
    cmd: ["python3"],
    summary: `Python ${version} with pip and venv`,
  } as const;
  const packages = [
    "apt",
    "python3",
    `python${version}`,
    "python3-pip",
    "python3-venv",
    "ca-certificates",
    "netbase",
    "tzdata",
  ];
  const { plain, slim } = tagsOf([version, ...further], release);
  const isNewest = further.length > 0;
  const standsIn = [onAlpine(version, ...(isNewest ? ["3", ""] : []))];
  const compilers = ["gcc", "g++", "libc6-dev", "make", "pkg-config", "git", "python3-dev"];
  return [
    ...both({ ...common, name: "python", packages: [...packages, ...compilers] }, { plain, slim: [] }),
    ...both({ ...common, name: "python", packages, standsIn }, { plain: [], slim }),
  ];
}

/** Java where the official image has it, on the path: by default `/usr/local/openjdk-17`. */
function javaParts(version: string, home = `/usr/local/openjdk-${version}`) {
  return {
    links: [{ path: home.slice(1), target: `/usr/lib/jvm/java-${version}-openjdk-{architecture}` }],
    env: [
      { name: "PATH", value: `${home}/bin:${systemPath}` },
      { name: "LANG", value: "C.UTF-8" },
      { name: "JAVA_HOME", value: home },
      { name: "JAVA_VERSION", versionOf: `openjdk-${version}-jre-headless` },
    ],
    prefer: ["usr-is-merged"],
  } as const;
}

function javaRecipes(release: Release, version: string): readonly RecipeDefinition[] {
  const isNewest = release === "trixie";
  const common = { ...javaParts(version), release, repository: "library/openjdk", cmd: ["bash"] } as const;
  const jdk = {
    ...common,
    name: "openjdk",
    packages: ["apt", `openjdk-${version}-jdk-headless`, ...certificates],
    cmd: ["jshell"],
    standsIn: [onAlpine(version, `${version}-jdk`), ...(isNewest ? [newest(version, "latest", "jdk")] : [])],
    summary: `Java ${version} compiler and runtime`,
  };
  const jre = {
    ...common,
    name: "openjdk-jre",
    packages: ["apt", `openjdk-${version}-jre-headless`, ...certificates],
    standsIn: [onAlpine(`${version}-jre`)],
    summary: `Java ${version} runtime`,
  };
  const named = (kind: string): Names => tagsOf([`${version}-${kind}`], release);
  const { plain, slim } = tagsOf([version], release);
  return [
    ...both(jdk, { plain: [...plain, ...named("jdk").plain], slim: [...slim, ...named("jdk").slim] }),
    ...both(jre, named("jre")),
  ];
}

/** Debian's OpenJDK in the role of Eclipse's builds of it, where these have it. */
function temurinRecipes(release: Release, version: string): readonly RecipeDefinition[] {
  const common = {
    ...javaParts(version, "/opt/java/openjdk"),
    release,
    repository: "library/eclipse-temurin",
  } as const;
  return [
    {
      ...common,
      name: "eclipse-temurin",
      tags: [version, `${version}-jdk`],
      standsIn: [
        ...onOthers([version, `${version}-jdk`]),
        ...(release === "trixie" ? [newest(version, "latest")] : []),
      ],
      packages: ["apt", `openjdk-${version}-jdk-headless`, ...certificates],
      cmd: ["jshell"],
      summary: `Debian's Java ${version} compiler and runtime in Temurin's role`,
    },
    {
      ...common,
      name: "eclipse-temurin-jre",
      tags: [`${version}-jre`],
      standsIn: onOthers([`${version}-jre`]),
      packages: ["apt", `openjdk-${version}-jre-headless`, ...certificates],
      cmd: ["bash"],
      summary: `Debian's Java ${version} runtime in Temurin's role`,
    },
  ];
}

/** Temurin's forms on Ubuntu and Alpine. */
function onOthers(versions: readonly string[]) {
  const tags = versions.flatMap((version) => [`${version}-jammy`, `${version}-noble`, `${version}-focal`]);
  return [{ tags, differs: "it stands on Debian, not on Ubuntu" }, onAlpine(...versions)];
}

function mavenRecipes(release: Release, version: string, java: string): readonly RecipeDefinition[] {
  const makers = [`openjdk-${java}`, `eclipse-temurin-${java}`];
  const versions = [version, "3"].flatMap((each) => makers.map((maker) => `${each}-${maker}`));
  const definition = {
    ...javaParts(java),
    name: "maven",
    release,
    repository: "library/maven",
    packages: [
      "apt",
      "maven",
      ...mavenPlugins.map((plugin) => `libmaven-${plugin}-plugin-java`),
      "libsurefire-java",
      "junit4",
      `openjdk-${java}-jdk-headless`,
      ...certificates,
      "git",
    ],
    links: [...javaParts(java).links, { path: "usr/local/bin/mvn", target: "/usr/share/maven/bin/mvn" }],
    env: [...javaParts(java).env, { name: "MAVEN_HOME", value: "/usr/share/maven" }],
    cmd: ["mvn"],
    standsIn: [
      onAlpine(...versions),
      ...(release === "trixie" ? [newest(`${version} with Java ${java}`, "latest", version, "3")] : []),
    ],
    summary: `Maven ${version} with Java ${java}`,
  };
  return both(definition, { plain: versions, slim: versions.map((each) => `${each}-slim`) });
}

/** Node with npm, both as Debian packages them: npm's parts are packages of their own. */
function nodeRecipes(release: Release, version: string): readonly RecipeDefinition[] {
  const definition = {
    name: "node",
    release,
    repository: "library/node",
    packages: ["apt", "nodejs", "npm", "ca-certificates"],
    prefer: ["usr-is-merged"],
    env: [
      { name: "PATH", value: systemPath },
      { name: "NODE_VERSION", versionOf: "nodejs" },
    ],
    cmd: ["node"],
    summary: `Node ${version} with npm`,
  };
  const { plain, slim } = tagsOf([version], release);
  const isNewest = release === "trixie";
  const standsIn = {
    plain: isNewest ? [newest(version, "latest", "lts", "current")] : [],
    slim: [
      onAlpine(version, ...(isNewest ? ["", "lts", "current"] : [])),
      ...(isNewest ? [newest(version, "slim", "lts-slim")] : []),
    ],
  };
  return [
    ...both({ ...definition, standsIn: standsIn.plain }, { plain, slim: [] }),
    ...both({ ...definition, standsIn: standsIn.slim }, { plain: [], slim }),
  ];
}
