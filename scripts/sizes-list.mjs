// What scripts/sizes.mjs measures, and beside what.
import { readFileSync } from "node:fs";

/** Forms of each example: `Dockerfile.traditional`, `Dockerfile.slim`, `Dockerfile`. */
export const examples = {
  "go-calculator": ["traditional", "slim", "distroless", "latest"],
  "python-calculator": ["traditional", "slim", "latest"],
  "java-maven": ["traditional", "slim", "jlink", "latest"],
  "node-service": ["traditional", "slim", "latest"],
  "react-java": ["traditional", "slim", "latest"],
};

export const formNames = {
  traditional: "one stage",
  slim: "stages, slim base",
  distroless: "stages, distroless/static",
  jlink: "stages, jlink by hand",
  latest: "stages, only what runs",
};

export const claims = [
  { claim: "Go: 800 MB to 1 MB", example: "go-calculator", form: "latest" },
  { claim: "Java: 200 MB to 40 MB", example: "java-maven", form: "latest" },
  { claim: "Java and React: 1 GB to 150 MB", example: "react-java", form: "latest" },
];

/** The recipe of the Java example, and the same with other modules. */
const hello = readFileSync("examples/java-maven/java.yaml", "utf8");
const withModules = (names) => hello.replace(/modules: .*/, `modules: [${names.join(", ")}]`);

const webModules = [
  ..."base desktop instrument logging management naming net.http security.jgss sql xml"
    .split(" ")
    .map((name) => `java.${name}`),
  ..."crypto.ec httpserver unsupported".split(" ").map((name) => `jdk.${name}`),
];

/** In MiB, measured by hand from the packages that Google's lists name. */
const google = {
  static: "1.99",
  "static-debian13": "2.24",
  "base-nossl": "14.22",
  "base-nossl-debian13": "14.67",
  base: "19.87",
  "base-debian13": "23.28",
  cc: "22.56",
  "cc-debian13": "26.41",
  python3: "52.00",
  "python3-debian13": "56.91",
  java17: "215.71",
  java21: "218.86",
  nodejs18: "",
  nodejs20: "120.87",
};

const targets = {
  static: "1.3",
  base: "11.5",
  cc: "14",
  python3: "41",
  "python3-debian13": "41",
  nodejs20: "91",
};

/** Where a plain image is another set of packages than Google's. */
export const differences = [
  "`java17`, `java21`: Google takes Temurin's Java, which brings its own HarfBuzz; Debian's has `libharfbuzz0b`, and this one loads `libglib2.0-0` with `libpcre2-8-0` and `libgraphite2-3`: 3.6 MiB in `java21`, which is all that it has more. Google's number is that of Debian's Java beside Google's libraries.",
  "`python3-debian13`: Google's has `libgssapi-krb5-2`, `libk5crypto3`, `libkrb5-3`, `libkrb5support0`, `libkeyutils1`, `libnsl2`, `libtirpc3t64`, `libcom-err2` and `libcrypt1`, which nothing in Python 3.13 loads.",
  "`nodejs20`: Google takes nodejs.org's program; Debian's is `libnode115` with `libicu76`, `libuv1t64`, `libcares2`, `libnghttp2-14` and `libbrotli1` beside it.",
  "`nodejs18` is none of Google's any more.",
];

export const recipes = [
  ...Object.entries(google).flatMap(([name, size]) => [
    { image: `distroless/${name}`, google: size },
    { image: `distroless/${name}:slim`, target: targets[name] },
  ]),
  { image: "distroless/nginx", target: "13.5" },
  { image: "java17 by jlink, java.base", target: "36", text: hello },
  { image: "java17 by jlink, web modules, nothing that draws", target: "55", text: withModules(webModules) },
];

export const roles = [
  "busybox",
  "tiny",
  "debian:bookworm-slim",
  "debian:bookworm",
  "debian:trixie-slim",
  "golang:1.19",
  "golang:1.24",
  "python:3.11-slim",
  "python:3.13-slim",
  "openjdk:17-jre-slim",
  "openjdk:17-jdk-slim",
  "eclipse-temurin:21-jre",
  "maven:3.8-openjdk-17-slim",
  "node:18-slim",
  "node:20-slim",
  "nginx",
];
