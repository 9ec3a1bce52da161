/** What a command that installs dependencies reads. */
export interface Installer {
  /** Files and patterns as COPY takes them. */
  readonly manifests: string;
  /** Whether these are all the files it can want, as far as its command tells. */
  readonly isCertain: boolean;
}

interface KnownInstaller {
  readonly command: RegExp;
  readonly manifests: string;
}

const options = "(?:\\s+--?[\\w-]+(?:=\\S+)?)*";

const installers: readonly KnownInstaller[] = [
  { command: new RegExp(`^npm\\s+(?:ci|i|install)${options}$`), manifests: "package*.json" },
  { command: new RegExp(`^yarn(?:\\s+install)?${options}$`), manifests: "package.json yarn.lock*" },
  { command: new RegExp(`^pnpm\\s+(?:i|install)${options}$`), manifests: "package.json pnpm-lock.yaml*" },
  { command: new RegExp(`^poetry\\s+install${options}$`), manifests: "pyproject.toml poetry.lock*" },
  { command: /^go\s+mod\s+download\b/, manifests: "go.mod go.sum*" },
  { command: new RegExp(`^bundle\\s+install${options}$`), manifests: "Gemfile Gemfile.lock*" },
  { command: new RegExp(`^composer\\s+install${options}$`), manifests: "composer.json composer.lock*" },
  {
    command: /^(?:mvn|\.\/mvnw)\s(?:.*\s)?dependency:(?:go-offline|resolve)\b/,
    manifests: "pom.xml",
  },
];
const pip = /^(?:python3?\s+-m\s+)?pip3?\s+install\s/;
/** Options that make a command look at files which the pattern of its manifests does not cover, or elsewhere. */
const looksElsewhere =
  /\s(?:-g|--global|--prefix|-C|--cwd|--cwd=\S+|--prefix=\S+|--working-dir\S*|--gemfile\S*|--only-root|-f|--file)(?=\s|=|$)/;

/** Knows the command as one that installs what a file lists. */
export function findInstaller(command: string): Installer | undefined {
  const found = installers.find((one) => one.command.test(command));
  if (found !== undefined) {
    if (/\s(?:-g|--global)\b/.test(command)) return undefined;
    // A wrapper or a plug-in of the project is among the sources.
    const isCertain = !looksElsewhere.test(command) && !command.startsWith("./");
    return { manifests: found.manifests, isCertain };
  }
  return pip.test(command) ? pipInstaller(command) : undefined;
}

/** `pip install -r a.txt -c b.txt`: the files are named; a directory may hold others that they include. */
function pipInstaller(command: string): Installer | undefined {
  const files = Array.from(
    command.matchAll(/\s(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)/g),
    ([, name = ""]) => name.replace(/^\.\//, ""),
  );
  if (files.length === 0) return undefined;
  const isCertain =
    files.every((name) => /^[\w.-]+$/.test(name)) && !/\s(?:-e|--editable|\.\S*)(?=\s|$)/.test(command);
  return { manifests: files.join(" "), isCertain };
}

const systemCommands =
  /^(?:(?:DEBIAN_FRONTEND=\S+\s+)?(?:apt|apt-get)\s|apk\s|(?:micro)?dnf\s|yum\s|zypper\s|rm\s+-r?f\s+(?:\/var\/|\/root\/|~\/)|npm\s+(?:config\s+set|cache\s+clean|(?:i|install)\s+(?:-g|--global)\s)|corepack\s+enable|yarn\s+cache\s+clean|pip3?\s+cache\s+purge)/;
/** Words that name a file of the working directory. */
const localFile = /\s\.{0,2}\/(?!(?:var|root|usr|etc|tmp|opt)\/)|\s\.(?=\s|$)|\.(?:txt|deb|rpm|apk|whl)\b/;

/** A command that cannot want the sources: it installs packages of the system by name, or cleans up. */
export function isBesideTheSources(command: string): boolean {
  if (localFile.test(command)) return false;
  if (systemCommands.test(command)) return true;
  return pip.test(command) && !/\s(?:-r|-e|-c|--requirement|--editable|--constraint)\b/.test(command);
}
