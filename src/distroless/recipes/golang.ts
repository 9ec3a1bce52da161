import type { RecipeDefinition } from "../recipe-definition.ts";
import { systemPath } from "./debian.ts";
import { newest, onAlpine } from "./stand-ins.ts";

/** Go as Debian packages it; each release carries one version. */
const versions = [
  { release: "bookworm", version: "1.19", standsIn: [onAlpine("1.19")] },
  {
    release: "trixie",
    version: "1.24",
    standsIn: [newest("1.24", "latest", "1", "trixie"), onAlpine("1.24", "1", "")],
  },
] as const;

/**
 * The role of the official golang images: Go, a C and C++ compiler, make, pkg-config and git on a Debian base. Go stands
 * where Debian puts it, and `/usr/local/go` leads there.
 */
export const golangRecipes: readonly RecipeDefinition[] = versions.map(({ release, version, standsIn }) => ({
  name: "golang",
  release,
  repository: "library/golang",
  tags: [version, `${version}-${release}`],
  standsIn,
  versionOf: `golang-${version}-go`,
  packages: [
    "apt",
    "golang-go",
    `golang-${version}-go`,
    "gcc",
    "g++",
    "libc6-dev",
    "make",
    "pkg-config",
    "git",
    "ca-certificates",
  ],
  prefer: ["usr-is-merged"],
  directories: [
    { path: "go", mode: 0o1777 },
    { path: "go/src", mode: 0o1777 },
    { path: "go/bin", mode: 0o1777 },
  ],
  links: [{ path: "usr/local/go", target: `/usr/lib/go-${version}` }],
  env: [
    { name: "PATH", value: `/go/bin:/usr/local/go/bin:${systemPath}` },
    { name: "GOLANG_VERSION", versionOf: `golang-${version}-go` },
    { name: "GOTOOLCHAIN", value: "local" },
    { name: "GOPATH", value: "/go" },
  ],
  workingDir: "/go",
  cmd: ["bash"],
}));
