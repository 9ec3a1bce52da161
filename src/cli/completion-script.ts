import type { ArgumentKind, Command, Flags } from "./command.ts";
import { commandGroups } from "./commands.ts";
import { globalFlags } from "./parse-flags.ts";

/** The completion script for a shell, written from the table of commands. */
export function completionScript(shell: "bash" | "zsh" | "fish", commands: readonly Command[]): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      // zsh runs bash's completion functions; one script is one thing to keep right.
      return `#compdef lighter\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case "fish":
      return fishScript(commands);
  }
}

/** What a word may be the name of, and the command that lists the names. */
const listings = {
  images: "lighter images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | sed '/<none>/d; s/:latest$//'",
  containers: "lighter ps -a --format '{{.Names}}' 2>/dev/null",
  networks: "lighter network ls --format '{{.Name}}' 2>/dev/null",
  volumes: "lighter volume ls -q 2>/dev/null",
} as const;

type Listing = keyof typeof listings;

const listed: Readonly<Partial<Record<ArgumentKind, readonly Listing[]>>> = {
  image: ["images"],
  container: ["containers"],
  network: ["networks"],
  endpoint: ["networks", "containers"],
  volume: ["volumes"],
};

/** Flags that take the name of something there is. */
const listedValues: Readonly<Record<string, Listing>> = {
  network: "networks",
  net: "networks",
  "volumes-from": "containers",
};

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => bashCase(command)).join("\n");
  return `# bash completion for lighter
${Object.entries(listings)
  .map(([name, command]) => `_lighter_${name}() { ${command}; }`)
  .join("\n")}
_lighter() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" words=() word before=""
  # --flag=value is three words.
  if [[ $current == = ]]; then current=""
  elif [[ $previous == = ]]; then previous="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* || $word == = || $before == --root ]] || words+=("$word")
    [[ $word == = ]] || before="$word"
  done
  COMPREPLY=()
  case "\${words[*]:0:2}" in
${groupCases(commands)}
  esac
  local command="\${words[0]:-}"
  case "$command" in ${Object.keys(commandGroups).join("|")}) command="\${words[*]:0:2}" ;; esac
  case "$command" in
${cases}
    *) COMPREPLY=($(compgen -W "${topWords(commands).join(" ")}" -- "$current")) ;;
  esac
}
complete -o default -F _lighter lighter
`;
}

function topWords(commands: readonly Command[]): readonly string[] {
  return [
    ...commands.filter((command) => !command.name.includes(" ")).map((command) => command.name),
    ...Object.keys(commandGroups),
    "help",
  ];
}

function groupCases(commands: readonly Command[]): string {
  return Object.keys(commandGroups)
    .map((group) => {
      const names = commands
        .filter((command) => command.name.startsWith(`${group} `))
        .map((command) => command.name.slice(group.length + 1));
      return `    ${group}) COMPREPLY=($(compgen -W "${names.join(" ")}" -- "$current")); return ;;`;
    })
    .join("\n");
}

function bashCase(command: Command): string {
  // A value that nothing lists is left to the shell, which offers files.
  const valued = Object.entries(allFlags(command))
    .filter(([, flag]) => flag.kind !== "boolean")
    .map(([name, flag]) => {
      const words = flag.choices?.join(" ") ?? listedWords([listedValues[name] ?? []].flat());
      const pattern = flag.short === undefined ? `--${name}` : `--${name}|-${flag.short}`;
      const answer = words === "" ? "" : `COMPREPLY=($(compgen -W "${words}" -- "$current")); `;
      return `        ${pattern}) ${answer}return ;;\n`;
    })
    .join("");
  const choices = valued === "" ? "" : `      case "$previous" in\n${valued}      esac\n`;
  return `    "${command.name}")
${choices}      if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "${flagWords(command).join(" ")}" -- "$current"))
      else ${bashArgument(command.argument ?? "file")}; fi ;;`;
}

function bashArgument(kind: ArgumentKind): string {
  const words = kind === "shell" ? "bash zsh fish" : listedWords(listed[kind] ?? []);
  if (words !== "") return `COMPREPLY=($(compgen -W "${words}" -- "$current"))`;
  return `COMPREPLY=($(compgen ${kind === "directory" ? "-d" : "-f"} -- "$current"))`;
}

function listedWords(names: readonly Listing[]): string {
  return names.map((name) => `$(_lighter_${name})`).join(" ");
}

function flagWords(command: Command): readonly string[] {
  return Object.entries(allFlags(command)).flatMap(([name, flag]) => [
    `--${name}`,
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
  ]);
}

function allFlags(command: Command): Flags {
  return { ...command.flags, ...globalFlags };
}

function fishScript(commands: readonly Command[]): string {
  const groups = Object.entries(commandGroups).map(
    ([name, summary]) =>
      `complete -c lighter -f -n __fish_use_subcommand -a ${name} -d ${fishQuote(summary)}`,
  );
  return [
    "# fish completion for lighter",
    ...Object.entries(listings).map(([name, command]) => `function __lighter_${name}; ${command}; end`),
    ...groups,
    ...commands.flatMap((command) => fishLines(command)),
    "",
  ].join("\n");
}

function fishLines(command: Command): readonly string[] {
  const [first = "", second] = command.name.split(" ");
  const offer = second === undefined ? "__fish_use_subcommand" : `'__fish_seen_subcommand_from ${first}'`;
  const seen =
    second === undefined
      ? `'__fish_seen_subcommand_from ${first}'`
      : `'__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}'`;
  const flags = Object.entries(allFlags(command)).map(([name, flag]) => {
    const short = flag.short === undefined ? "" : ` -s ${flag.short}`;
    const value = flag.kind === "boolean" ? "" : " -r";
    const source = listedValues[name];
    const words = flag.choices?.join(" ") ?? (source === undefined ? undefined : `(__lighter_${source})`);
    const choices = words === undefined ? "" : ` -f -a ${fishQuote(words)}`;
    return `complete -c lighter -n ${seen} -l ${name}${short}${value}${choices} -d ${fishQuote(flag.summary)}`;
  });
  const names = (listed[command.argument ?? "file"] ?? []).map(
    (name) => `complete -c lighter -f -n ${seen} -a '(__lighter_${name})'`,
  );
  return [
    `complete -c lighter -f -n ${offer} -a ${second ?? first} -d ${fishQuote(command.summary)}`,
    ...flags,
    ...names,
  ];
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
