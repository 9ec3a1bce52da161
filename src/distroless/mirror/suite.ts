/** One suite on one mirror: what a line of sources.list names. */
export interface SuiteSource {
  /** Address below which `dists` and `pool` stand, with no slash at its end. */
  readonly url: string;
  /** `bookworm`, `bookworm-updates`, `bookworm-security`. */
  readonly suite: string;
  readonly component: string;
}

/** Where Debian's archives are. */
export interface Mirror {
  /** @defaultValue `http://deb.debian.org/debian` */
  readonly url?: string;
  /** @defaultValue `http://deb.debian.org/debian-security` */
  readonly securityUrl?: string;
}

/** The three suites that make up a maintained release. */
export function suitesOf(release: string, mirror: Mirror): readonly SuiteSource[] {
  const url = withoutSlash(mirror.url ?? "http://deb.debian.org/debian");
  const securityUrl = withoutSlash(mirror.securityUrl ?? "http://deb.debian.org/debian-security");
  const component = "main";
  return [
    { url, suite: release, component },
    { url, suite: `${release}-updates`, component },
    { url: securityUrl, suite: `${release}-security`, component },
  ];
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
