import type { RecipeDefinition } from "../recipe-definition.ts";
import { debianRecipes, systemPath } from "./debian.ts";
import { ignoredDependencies } from "./distroless.ts";
import { newest, onAlpine } from "./stand-ins.ts";

const data = ["base-files", "netbase", "tzdata", "media-types", "ca-certificates"] as const;

const siteConfiguration = `server {
    listen 80;
    listen [::]:80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
    error_page 500 502 503 504 /50x.html;
}
`;

/** Logs go where `lighter logs` reads; the rest is Debian's own nginx.conf without what needs other packages. */
const nginxConfiguration = `user www-data;
worker_processes auto;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events {
    worker_connections 1024;
}
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`;

const nginxFiles = [
  { path: "etc/nginx/nginx.conf", text: nginxConfiguration },
  { path: "etc/nginx/conf.d/default.conf", text: siteConfiguration },
] as const;

const nginxFolders = ["var/lib/nginx", "var/log/nginx"].map((path) => ({ path, mode: 0o755 }));

const releases = [
  { release: "trixie", number: "13", nginx: "1.26", ssl: "libssl3t64", isNewest: true },
  { release: "bookworm", number: "12", nginx: "1.22", ssl: "libssl3", isNewest: false },
] as const;

const common = { prefer: ["usr-is-merged"], env: [{ name: "PATH", value: systemPath }] } as const;

/** nginx as the official image has it, and the same with nothing else in it. */
const nginxRecipes: readonly RecipeDefinition[] = releases.flatMap(
  ({ release, number, nginx, ssl, isNewest }) => {
    const served = {
      ...common,
      release,
      files: nginxFiles,
      directories: nginxFolders,
      ports: ["80/tcp"],
      stopSignal: "SIGQUIT",
    } as const;
    const distroless = {
      ...served,
      name: "distroless/nginx",
      kind: "distroless",
      packages: [...data, "libc6", ssl, "nginx", "nginx-common"],
      ignore: [...ignoredDependencies, "iproute2", "libgcc-s1", "python3"],
      trim: ["docs", "locales", "charsets", "zones", "settings", "tools", "unused-libraries"],
      users: [{ name: "www-data", uid: 33 }],
      user: "0",
      workingDir: "/",
      entrypoint: ["/usr/sbin/nginx", "-g", "daemon off;"],
      summary: `nginx ${nginx} alone`,
      tags: ["latest"],
    } as const;
    return [
      {
        ...served,
        name: "nginx",
        repository: "library/nginx",
        tags: [nginx, `${nginx}-${release}`, ...(isNewest ? ["latest"] : [])],
        versionOf: "nginx",
        standsIn: isNewest
          ? [newest(nginx, "1", "stable", "mainline"), onAlpine(nginx, "", "1", "stable", "mainline")]
          : [onAlpine(nginx)],
        packages: ["apt", "nginx", "ca-certificates"],
        cmd: ["nginx", "-g", "daemon off;"],
        summary: `nginx ${nginx}`,
      },
      { ...distroless, repository: `distroless/nginx-debian${number}` },
      ...(isNewest ? [] : [{ ...distroless, repository: "distroless/nginx" }]),
    ];
  },
);

/** One static program that is a shell and its tools, alone and with what small services need. */
const busyboxRecipes: readonly RecipeDefinition[] = [
  {
    ...common,
    name: "busybox",
    kind: "distroless",
    release: "bookworm",
    repository: "library/busybox",
    tags: ["latest", "stable", "1.35"],
    standsIn: [{ tags: ["glibc", "musl", "uclibc", "1"], differs: "it is Debian's, static and with glibc" }],
    versionOf: "busybox-static",
    packages: ["base-files", "netbase"],
    ignore: ignoredDependencies,
    trim: ["docs", "settings"],
    applets: "usr/bin",
    cmd: ["sh"],
    summary: "a shell and its tools in one static program",
  },
  {
    ...common,
    name: "tiny",
    kind: "distroless",
    release: "bookworm",
    repository: "library/tiny",
    tags: ["latest", "bookworm"],
    packages: [...data, "libc6"],
    ignore: [...ignoredDependencies, "libgcc-s1", "libcrypt1"],
    trim: ["docs", "locales", "charsets", "zones", "settings", "tools"],
    applets: "usr/bin",
    cmd: ["sh"],
    summary: "what people take alpine for: busybox, certificates, time zones; with glibc, without apk",
  },
];

/** Whoever names Ubuntu wants apt and glibc, and Debian has them: for each release the one of about its age. */
const ubuntuRecipes: readonly RecipeDefinition[] = [
  { release: "trixie", debian: "13", tags: ["latest", "24.04", "noble", "noble-*"] },
  { release: "bookworm", debian: "12", tags: ["22.04", "jammy", "jammy-*"] },
].flatMap(({ release, debian, tags }) =>
  debianRecipes
    .filter((each) => each.name === "debian" && each.release === release)
    .map(({ suiteTags: _suite, ...base }) => ({
      ...base,
      name: "ubuntu",
      repository: "library/ubuntu",
      tags: [],
      standsIn: [{ tags, differs: `it is Debian ${debian}, with apt and Debian's versions of packages` }],
      summary: "Debian in Ubuntu's role",
    })),
);

/** What `tiny` is taken for. */
const alpineRecipes: readonly RecipeDefinition[] = busyboxRecipes
  .filter(({ name }) => name === "tiny")
  .map((tiny) => ({
    ...tiny,
    repository: "library/alpine",
    tags: [],
    standsIn: [
      {
        tags: ["latest", "3", "3.*", "edge"],
        differs: "it is Debian's busybox with certificates and glibc, without apk and musl",
      },
    ],
  }));

export const smallRecipes: readonly RecipeDefinition[] = [
  ...nginxRecipes,
  ...busyboxRecipes,
  ...ubuntuRecipes,
  ...alpineRecipes,
];
