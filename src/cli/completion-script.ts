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

const imageNames =
  'lighter images --format json 2>/dev/null | sed -n \'s/.*"Repository":"\\([^"]*\\)".*"Tag":"\\([^"]*\\)".*/\\1:\\2/p\'';

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => bashCase(command)).join("\n");
  return `# bash completion for lighter
_lighter_images() { ${imageNames} | sed 's/:latest$//'; }
_lighter() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" words=() word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* ]] || words+=("$word"); done
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
  const valued = Object.entries(command.flags)
    .filter(([, flag]) => flag.choices !== undefined)
    .map(
      ([name, flag]) =>
        `        --${name}) COMPREPLY=($(compgen -W "${flag.choices?.join(" ")}" -- "$current")); return ;;\n`,
    )
    .join("");
  const choices = valued === "" ? "" : `      case "$previous" in\n${valued}      esac\n`;
  return `    "${command.name}")
${choices}      if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "${flagWords(command).join(" ")}" -- "$current"))
      else ${bashArguments[command.argument ?? "file"]}; fi ;;`;
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

const bashArguments: Readonly<Record<ArgumentKind, string>> = {
  image: 'COMPREPLY=($(compgen -W "$(_lighter_images)" -- "$current"))',
  container:
    'COMPREPLY=($(compgen -W "$(lighter ps -a --format json 2>/dev/null | sed -n "s/.*\\"Names\\":\\"\\([^\\"]*\\)\\".*/\\1/p")" -- "$current"))',
  volume: 'COMPREPLY=($(compgen -W "$(lighter volume ls -q 2>/dev/null)" -- "$current"))',
  directory: 'COMPREPLY=($(compgen -d -- "$current"))',
  file: 'COMPREPLY=($(compgen -f -- "$current"))',
  shell: 'COMPREPLY=($(compgen -W "bash zsh fish" -- "$current"))',
};

function fishScript(commands: readonly Command[]): string {
  const groups = Object.entries(commandGroups).map(
    ([name, summary]) =>
      `complete -c lighter -f -n __fish_use_subcommand -a ${name} -d ${fishQuote(summary)}`,
  );
  return [
    "# fish completion for lighter",
    `function __lighter_images; ${imageNames} | sed 's/:latest$//'; end`,
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
    const choices = flag.choices !== undefined ? ` -f -a ${fishQuote(flag.choices.join(" "))}` : "";
    return `complete -c lighter -n ${seen} -l ${name}${short}${value}${choices} -d ${fishQuote(flag.summary)}`;
  });
  const images =
    command.argument === "image" ? [`complete -c lighter -f -n ${seen} -a '(__lighter_images)'`] : [];
  return [
    `complete -c lighter -f -n ${offer} -a ${second ?? first} -d ${fishQuote(command.summary)}`,
    ...flags,
    ...images,
  ];
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
